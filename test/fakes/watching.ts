import { PooledKubeConfig } from '../../operator/kube/kubeconfig.ts';
import { listWatch } from '../../operator/kube/list-watch.ts';
import { RestClient } from '../../operator/kube/rest.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { Informer, type InformerHandler } from '../../operator/runtime/informer.ts';
import type { ReflectorTiming } from '../../operator/runtime/reflector.ts';
import type { ApiObject } from './api-objects.ts';
import { FakeApiServer } from './api-server.ts';
import { MemoryLogger } from './logger.ts';

export const SERVICES = '/api/v1/services';

export function service(name: string, spec: object = {}): ApiObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'shop', name }, spec };
}

/** Fast enough for tests, with the proportions of the real times. */
const TIMING: Partial<ReflectorTiming> = {
  shortWatchMs: 0,
  backoff: { initialMs: 20, maxMs: 200, spread: [1, 2], resetAfterMs: 2_000 },
};

export interface Watching {
  api: FakeApiServer;
  informer: Informer<ApiObject, ApiObject>;
  /** `+name`, `~name`, `-name`; `=` for synced, `@version` for what has been delivered up to. */
  seen: string[];
  log: MemoryLogger;
  handler: InformerHandler<ApiObject>;
  close(): Promise<void>;
}

/** An informer on Services of a fake API server, with everything it says recorded. */
export async function watching(timing: Partial<ReflectorTiming> = {}): Promise<Watching> {
  const api = await new FakeApiServer().start();
  const config = api.configure(new PooledKubeConfig());
  const log = new MemoryLogger();
  const seen: string[] = [];
  const informer = new Informer<ApiObject, ApiObject>({
    name: 'services',
    source: listWatch(new RestClient(config), { group: '', version: 'v1', plural: 'services' }),
    transform: (raw) => raw,
    clock: systemClock,
    random: () => 0,
    log,
    timing: { ...TIMING, ...timing },
  });
  const handler: InformerHandler<ApiObject> = {
    added: ({ metadata }) => seen.push(`+${metadata.name}`),
    updated: (_, { metadata }) => seen.push(`~${metadata.name}`),
    deleted: ({ metadata }) => seen.push(`-${metadata.name}`),
    synced: () => seen.push('='),
  };
  informer.addHandler(handler);
  const close = async () => {
    await informer.stop();
    await config.close();
    await api.stop();
  };
  return { api, informer, seen, log, handler, close };
}
