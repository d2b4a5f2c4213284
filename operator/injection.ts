import type { MeshModel } from '../crds/kinds/mesh/model.ts';
import { NAMESPACE_ROW } from '../crds/kinds/namespace/kind.ts';
import type { NamespaceModel } from '../crds/kinds/namespace/model.ts';
import { reduceNamespace } from '../crds/kinds/namespace/parse.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { INJECT_PATH, VALIDATE_PATH } from '../webhooks/configurations.ts';
import { type InjectionOutcome, type InjectionSource, injectPod } from '../webhooks/inject/webhook.ts';
import type { Webhook, WebhookObserver } from '../webhooks/server.ts';
import { validate } from '../webhooks/validate/validate.ts';
import { resourceType } from './informers.ts';
import { resourcePath } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import { NamespaceDemands } from './namespace-demands.ts';
import { type Clock, withDeadline } from './runtime/clock.ts';
import { failureOf } from './runtime/errors.ts';
import { errorFields, type Log } from './runtime/log.ts';
import type { injectionMetrics, webhookMetrics } from './telemetry/webhook-metrics.ts';

/** The API server waits 10 s for the whole review. */
const LOOKUP_TIMEOUT_MS = 3_000;

export const WEBHOOK_PATHS: readonly string[] = [INJECT_PATH, VALIDATE_PATH];

export interface WebhookParts {
  kinds: readonly KindRow[];
  rest: RestClient;
  namespace: (name: string) => NamespaceModel | null;
  mesh: () => MeshModel;
  trustAnchorsPem: () => string;
  proxyImage: string;
  version: string;
  metrics: ReturnType<typeof webhookMetrics>;
  injections: ReturnType<typeof injectionMetrics>;
  /** Tells the owner; returns at once. */
  tell: (outcome: InjectionOutcome) => void;
  clock: Clock;
  log: Log;
}

/** The webhooks over the caches of this process, with their metrics. */
export function createWebhooks(parts: WebhookParts): {
  webhooks: Readonly<Record<string, Webhook>>;
  observer: WebhookObserver;
} {
  const source = injectionSource(parts);
  const identity = { version: parts.version, proxyImage: parts.proxyImage };
  const counted = (path: string, webhook: Webhook): Webhook => {
    return async (request) => {
      parts.metrics.started(path);
      try {
        return await webhook(request);
      } finally {
        parts.metrics.ended(path);
      }
    };
  };
  const inject: Webhook = async (request) => {
    const { answer, outcome } = await injectPod(request, source, identity);
    parts.injections.reviewed(outcome);
    parts.tell(outcome);
    parts.log.debug('pod reviewed', { ...outcome });
    return answer;
  };
  return {
    webhooks: {
      [INJECT_PATH]: counted(INJECT_PATH, inject),
      [VALIDATE_PATH]: counted(VALIDATE_PATH, async (request) => validate(request, parts.kinds)),
    },
    observer: {
      answered: (path, _request, _answer, durationMs) => parts.metrics.answered(path, durationMs),
      failed(path, status, error) {
        parts.metrics.failed(path, status);
        parts.log.warn('a review was not judged', { path, status, ...errorFields(error) });
      },
    },
  };
}

/** A pod may be created moments after its namespace: what the cache has not seen yet, the API server knows. */
function injectionSource({ rest, namespace, mesh, trustAnchorsPem, clock }: WebhookParts): InjectionSource {
  const ask = async (name: string): Promise<NamespaceModel | null> => {
    const path = resourcePath(resourceType(NAMESPACE_ROW), '', name);
    try {
      return await withDeadline(clock, LOOKUP_TIMEOUT_MS, new AbortController().signal, async (signal) =>
        reduceNamespace(await rest.json({ method: 'GET', path, signal })),
      );
    } catch (error) {
      if (failureOf(error) === 'NotFound') return null;
      throw error;
    }
  };
  const demands = new NamespaceDemands(rest, clock);
  return {
    namespace: async (name) => namespace(name) ?? ask(name),
    demands: (name) => demands.of(name),
    mesh,
    trustAnchorsPem,
  };
}
