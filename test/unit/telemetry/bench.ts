import type { Meta } from '../../../proxy-image/contract/policy/meta.ts';
import { authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import type { RuleFacts } from '../../../proxy-image/core/policy/decision.ts';
import type { PortPolicyEntry } from '../../../proxy-image/core/policy/policy.ts';
import type { ServiceEntry } from '../../../proxy-image/core/state/entries.ts';
import type { ProxyState } from '../../../proxy-image/core/state/state.ts';
import { renderMetrics } from '../../../proxy-image/io/telemetry/exposition.ts';
import { ProxyRecorder } from '../../../proxy-image/io/telemetry/proxy-recorder.ts';
import { LoopLag } from '../../../proxy-image/io/transport/awake-clock.ts';
import { asking, entryOf } from '../../support/policy.ts';
import { type Family, parsePrometheusText } from '../../support/prometheus-text.ts';
import {
  applyAll,
  authorization,
  backend,
  ManualClock,
  newState,
  portPolicy,
  SERVICE_KEY,
  service,
  set,
} from '../core/fixtures.ts';

const MINUTE_MS = 60_000;
export const NO_GRPC = -1;

/** A recorder on a clock of the test's, and what a scrape says of it. */
export class Bench {
  readonly clock: ManualClock = new ManualClock();
  readonly state: ProxyState = newState(this.clock);
  readonly recorder: ProxyRecorder;

  constructor(more: { maxSeries?: number; zone?: string } = {}) {
    const { zone = '', ...rest } = more;
    this.recorder = new ProxyRecorder({ clock: this.clock, podIp: '10.1.0.1', zone: () => zone, ...rest });
  }

  scrape(): Map<string, Family> {
    const process = () => ({ cpuSeconds: 0, residentBytes: 0, openFds: 0, maxFds: 0 });
    const { clock, recorder, state } = this;
    return parsePrometheusText(renderMetrics({ clock, recorder, state, process, loopLag: new LoopLag(), build: {} }));
  }

  idle(minutes: number): void {
    this.clock.ms += minutes * MINUTE_MS;
    this.recorder.evictIdle(10 * MINUTE_MS);
  }
}

/** A Service whose requests are all for one route, to `web` and `canary`. */
export function routed(bench: Bench, kind: string): ServiceEntry {
  const body = service({ backends: [backend('web', 1), backend('canary', 1)] });
  const origin: Meta = { group: 'gateway.networking.k8s.io', kind, namespace: 'shop', name: 'r', section: '', port: 0 };
  applyAll(bench.state, set(SERVICE_KEY, { ...body, policy: { ...body.policy, origins: [origin] } }));
  return bench.state.destination('10.96.0.1', 80).entry as ServiceEntry;
}

/** Port 8080 of Server `web` with one route, `public`, that lets everybody in; and its rule. */
export function admitted(kind: string): [policy: PortPolicyEntry, rule: RuleFacts] {
  const group = 'policy.linkerd.io';
  const meta: Meta = { group, kind, namespace: 'shop', name: 'public', section: '', port: 0 };
  const authorizations = [authorization('everyone')];
  const rules = [{ meta, match: { type: 'pathPrefix', path: '/' } as const, filters: [], authorizations }];
  const policy = entryOf(portPolicy({ server: { group, kind: 'server', name: 'web' }, rules }));
  const { rule } = authorizeRequest(policy, new InboundPeer('10.1.1.1', null, false), asking('GET', '/'));
  return [policy, rule!];
}
