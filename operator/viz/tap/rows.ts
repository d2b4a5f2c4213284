import { meshOf } from '../../../crds/kinds/mesh/queries.ts';
import { podByIp } from '../../../crds/kinds/pod/queries.ts';
import type { ClusterView } from '../../../crds/state/view.ts';
import { TAP_GROUP, TAP_VERSION, TAPPED_KINDS, type TappedResource, type TapTarget } from '../../../crds/viz/tap.ts';
import { serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Log } from '../../runtime/log.ts';
import type { ApiAnswer, ApiRequest, ApiRow } from '../api/rows.ts';
import { ApiFailure } from '../api/status.ts';
import type { ControlCredentials } from '../proxies/ask-proxy.ts';
import { podsMeant, whyLeftOut } from './pods.ts';
import { readTapQuery, type TapWish } from './question.ts';
import { TapSession, type TapSources } from './session.ts';

/** Taps at a time, of one replica: each is read by somebody, and costs the proxies that it listens to. */
export const MAX_SESSIONS = 20;

export interface TapOptions {
  view: ClusterView;
  credentials(): ControlCredentials | null;
  clock: Clock;
  log: Log;
}

/** Linkerd's resources: one for each kind that has pods, and `tap` itself for a whole namespace, or the cluster. */
export function tapRows(options: TapOptions): ApiRow[] {
  const taps = new Taps(options);
  const common = { group: TAP_GROUP, version: TAP_VERSION, kind: 'Tap', namespaced: true, verbs: ['watch'] } as const;
  const kinds = Object.keys(TAPPED_KINDS) as TappedResource[];
  return [
    ...kinds.map(
      (resource): ApiRow => ({
        ...common,
        resource,
        subresource: 'tap',
        singular: TAPPED_KINDS[resource].toLowerCase(),
        handle: (request) => taps.begin(request, resource),
      }),
    ),
    { ...common, resource: 'tap', singular: 'tap', handle: (request) => taps.begin(request, null) },
  ];
}

/** Who taps, by way of this replica. */
class Taps {
  readonly #options: TapOptions;
  #sessions = 0;

  constructor(options: TapOptions) {
    this.#options = options;
  }

  async begin(
    { namespace, name, query, user, signal }: ApiRequest,
    resource: TappedResource | null,
  ): Promise<ApiAnswer> {
    const wish = readTapQuery(query, namespace);
    const target: TapTarget = { namespace, resource: resource ?? wish.resource, name };
    const sources = this.#sourcesOf(target, wish);
    if (sources.pods().length === 0)
      throw new ApiFailure(404, 'WEFT_VIZ_REQUEST', `there are no pods of ${nameOf(target)}`);
    if (this.#sessions >= MAX_SESSIONS) throw new ApiFailure(429, 'WEFT_VIZ_LIMIT', `${MAX_SESSIONS} tap already`);
    this.#sessions += 1;
    const { log } = this.#options;
    const said = { user: user.name, target: nameOf(target), headers: wish.question.headers };
    log.info('tap begins', said);
    const session = new TapSession(wish.question, sources, () => {
      this.#sessions -= 1;
      log.info('tap ends', said);
    });
    signal.addEventListener('abort', () => session.stop(), { once: true });
    session.start();
    if (signal.aborted) session.stop();
    return { contentType: 'application/json', chunks: session.lines };
  }

  #sourcesOf(target: TapTarget, { selector }: TapWish): TapSources {
    const { view, credentials, clock } = this.#options;
    return {
      pods: () => podsMeant(view, target, selector),
      leftOut: (pod) => whyLeftOut(view, pod),
      addressOf: ({ ips, proxyPorts, serviceAccount, meta }) => ({
        ip: ips[0]!,
        port: proxyPorts.tap,
        identity: serviceAccountIdentity(serviceAccount, meta.namespace, meshOf(view).identity.suffix),
      }),
      credentials,
      podAt: (ip) => podByIp(view, ip),
      clock,
    };
  }
}

/** `deployments/web in namespace shop` */
function nameOf({ namespace, resource, name }: TapTarget): string {
  const what = resource === null ? 'any kind' : name === null ? resource : `${resource}/${name}`;
  return namespace === null ? `${what} in any namespace` : `${what} in namespace ${namespace}`;
}
