import { podOf } from '../crds/kinds/pod/queries.ts';
import type { ClusterState } from '../crds/state/cluster-state.ts';
import type { Servers } from './servers.ts';
import { askProxy, type ControlCredentials } from './viz/proxies/ask-proxy.ts';
import type { OwnProxies } from './viz/proxies/row.ts';

/** A proxy is asked within the second that replicas give one another. */
const LIMITS = { timeoutMs: 700, maxBytes: 64 * 1024 * 1024 } as const;

export interface ConnectedProxiesOptions {
  /** Pod of this replica. */
  replica: string;
  sessions: Pick<Servers, 'report' | 'reports'>;
  state: ClusterState;
  /** `null`: there is no certificate yet. */
  credentials(): ControlCredentials | null;
}

/** The proxies that are connected to this replica, for the aggregated API. */
export function connectedProxies({ replica, sessions, state, credentials }: ConnectedProxiesOptions): OwnProxies {
  return {
    replica,
    reports: (namespace) => sessions.reports(namespace),
    report: (namespace, pod) => sessions.report(namespace, pod),
    async ask({ namespace, pod, identity }, question) {
      const own = credentials();
      const model = podOf(state, namespace, pod);
      const [ip] = model?.ips ?? [];
      if (own === null) throw new Error('there is no certificate to ask with yet');
      if (model === null || ip === undefined) throw new Error('the address of its pod is not known');
      return askProxy({ ip, port: model.proxyPorts.tap, identity }, own, question, LIMITS);
    },
  };
}
