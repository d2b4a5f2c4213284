import { compile } from '../../crds/compile/compile.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import { isDefaultLabel } from '../../proxy-image/contract/access-policy.ts';
import type { Authorization, ObjectLabel, PortPolicy, WorkloadResource } from '../../proxy-image/contract/resources.ts';
import { clientsOf } from './clients.ts';

/** What decides: kind and name, as metrics and traffic have them. */
export type Named = Readonly<Pick<ObjectLabel, 'kind' | 'name'>>;

/** An authorization that applies to pods, and where. */
export interface AppliedPolicy {
  server: Named;
  /** `default` where no route is attached. */
  route: Named;
  /** `null`: nobody is let in. */
  authorization: Named | null;
  /** Who is let in. */
  clients: string;
  ports: Set<number>;
  pods: Set<string>;
}

/** Where no route is attached there is one for everything (Linkerd: `default`). */
const DEFAULT_ROUTE: Named = { kind: 'default', name: 'default' };

/**
 * What the control plane tells the proxies of these pods about who may use their ports: those that containers declare or Servers name. In the order of Server, route
 * and precedence.
 */
export function appliedTo(state: ClusterState, pods: readonly PodModel[]): AppliedPolicy[] {
  const found = new Map<string, AppliedPolicy>();
  for (const { meta, proxyPorts } of pods) {
    const { compiled, failure } = compile(state, { kind: 'workload', namespace: meta.namespace, pod: meta.name }, '');
    if (failure !== null) throw failure;
    if (compiled === null) continue;
    // What the key says of the body's type, the compiler keeps.
    const { ports } = compiled.body as WorkloadResource;
    for (const [port, policy] of Object.entries(ports)) {
      if (!isUnjudged(Number(port), policy, proxyPorts)) note(found, meta.name, Number(port), policy);
    }
  }
  return [...found.values()];
}

/** Of the proxy's own admin port default policies say nothing: whoever reaches it may read it, unless a Server says otherwise. */
function isUnjudged(port: number, { server }: PortPolicy, { admin }: PodModel['proxyPorts']): boolean {
  return port === admin && isDefaultLabel(server);
}

function note(found: Map<string, AppliedPolicy>, pod: string, port: number, policy: PortPolicy): void {
  const { server, rules, authorizations } = policy;
  // Connections without requests are judged by the authorizations of the port; where routes are attached, requests by those of their rule.
  const judged =
    rules.length === 0
      ? [{ route: DEFAULT_ROUTE, authorizations }]
      : rules
          .filter(({ match }) => match.type !== 'any' || match.of.length > 0)
          .map(({ meta, authorizations: own }) => ({
            route: { kind: meta.kind, name: meta.name },
            authorizations: own,
          }));
  for (const { route, authorizations: all } of judged) {
    const each: readonly (Authorization | null)[] = all.length === 0 ? [null] : all;
    for (const authorization of each) {
      const row = entryOf(found, server, route, authorization);
      row.ports.add(port);
      row.pods.add(pod);
    }
  }
}

function entryOf(
  found: Map<string, AppliedPolicy>,
  server: ObjectLabel,
  route: Named,
  authorization: Authorization | null,
): AppliedPolicy {
  const label = authorization?.label ?? null;
  const key = keyOf(server, route, label);
  const known = found.get(key);
  if (known !== undefined) return known;
  const clients = authorization === null ? 'nobody' : clientsOf(authorization);
  const entry = { server, route, authorization: label, clients, ports: new Set<number>(), pods: new Set<string>() };
  found.set(key, entry);
  return entry;
}

/** Kinds are spelled in lower case here and as in the object there. */
export function keyOf(server: Named, route: Named, authorization: Named | null): string {
  const texts = [server, route, authorization ?? { kind: '', name: '' }].map(
    ({ kind, name }) => `${kind.toLowerCase()}/${name}`,
  );
  return texts.join(' ');
}
