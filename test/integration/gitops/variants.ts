import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import type { RawObject } from '../../../operator/runtime/list-watch.ts';

/** The kinds whose health is judged. */
export const JUDGED: readonly KindRow[] = KINDS.filter(({ status }) => status.form !== 'none');
export const SERVICES = ['a', 'b', 'c'];

type Spec = Record<string, unknown>;

/** An object that a history writes, each time with one of these specs: some are right, some name what may be missing, some can never hold. */
export interface Subject {
  /** `KindRow.id` */
  id: string;
  name: string;
  specs: readonly Spec[];
}

const toService = (name: string) => ({ group: 'core', kind: 'Service', name, port: 80 });
const toServer = (name: string) => ({ group: 'policy.linkerd.io', kind: 'Server', name });
const backend = (name: string) => ({ name, port: 80 });
const split = (...services: string[]) => ({
  service: 'a',
  backends: services.map((service) => ({ service, weight: 1 })),
});
const profile = (pathRegex: string) => ({ routes: [{ name: 'r', condition: { pathRegex } }] });
const matching = (type: string, value: string) => ({ matches: [{ path: { type, value } }] });
const fault = { type: 'ExtensionRef', extensionRef: { group: 'weft.dev', kind: 'HTTPFault', name: 'f' } };

function routes(parents: readonly string[]): Spec[] {
  const parentRefs = parents.map(toService);
  return [
    { parentRefs, rules: [{ backendRefs: [backend('b')] }] },
    { parentRefs: parentRefs.slice(0, 1), rules: [{ backendRefs: [backend('b'), backend('c')] }] },
    { parentRefs, rules: [{ backendRefs: [backend('missing')] }] },
    { parentRefs, rules: [{ filters: [fault], backendRefs: [backend('c')] }] },
    { parentRefs, rules: [{ ...matching('RegularExpression', '/('), backendRefs: [backend('c')] }] },
    {
      parentRefs,
      rules: [{ ...matching('RegularExpression', '/('), backendRefs: [backend('c')] }, { backendRefs: [backend('c')] }],
    },
  ];
}

/** @param namespace of the history */
export function subjects(namespace: string): Subject[] {
  const required = (...names: [kind: string, name: string][]) =>
    names.map(([kind, name]) => ({ group: 'policy.linkerd.io', kind, name }));
  return [
    { id: 'TrafficSplit.split.smi-spec.io', name: 'a', specs: [split('b'), split('b', 'c'), split('missing')] },
    { id: 'TrafficSplit.split.smi-spec.io', name: 'rival', specs: [split('c')] },
    {
      id: 'ServiceProfile.linkerd.io',
      name: `a.${namespace}.svc.cluster.local`,
      specs: [profile('/x'), profile('/y'), profile('/(')],
    },
    {
      id: 'Server.policy.linkerd.io',
      name: 's',
      specs: [
        { podSelector: {}, port: 80 },
        { podSelector: {}, port: 81 },
        { externalWorkloadSelector: {}, port: 80 },
      ],
    },
    {
      id: 'ServerAuthorization.policy.linkerd.io',
      name: 'x',
      specs: ['s', 'missing'].map((name) => ({ server: { name }, client: { unauthenticated: true } })),
    },
    {
      id: 'AuthorizationPolicy.policy.linkerd.io',
      name: 'x',
      specs: [
        { targetRef: toServer('s'), requiredAuthenticationRefs: required(['MeshTLSAuthentication', 'm']) },
        { targetRef: toServer('s'), requiredAuthenticationRefs: required(['NetworkAuthentication', 'n']) },
        { targetRef: toServer('missing'), requiredAuthenticationRefs: required(['NetworkAuthentication', 'n']) },
      ],
    },
    {
      id: 'MeshTLSAuthentication.policy.linkerd.io',
      name: 'm',
      specs: [{ identities: ['*'] }, { identityRefs: [{ kind: 'ServiceAccount', name: 'front' }] }],
    },
    {
      id: 'NetworkAuthentication.policy.linkerd.io',
      name: 'n',
      specs: [{ networks: [{ cidr: '10.0.0.0/8' }] }, { networks: [{ cidr: '10.1.0.0/16' }] }],
    },
    {
      id: 'HTTPLocalRateLimitPolicy.policy.linkerd.io',
      name: 'x',
      specs: ['s', 'missing'].map((name) => ({ targetRef: toServer(name), total: { requestsPerSecond: 10 } })),
    },
    { id: 'HTTPFault.weft.dev', name: 'f', specs: [{ delay: { duration: '1ms' } }, { fail: { status: 503 } }] },
    { id: 'HTTPRoute.policy.linkerd.io', name: 'r', specs: routes(['b', 'c']) },
    { id: 'HTTPRoute.gateway.networking.k8s.io', name: 'r', specs: routes(['c', 'b']) },
    {
      id: 'GRPCRoute.gateway.networking.k8s.io',
      name: 'r',
      specs: ['b', 'missing'].map((name) => ({
        parentRefs: [toService('c')],
        rules: [{ backendRefs: [backend(name)] }],
      })),
    },
  ];
}

/** Of the one Mesh of a cluster. */
export const MESH_SUBJECT: Subject = {
  id: 'Mesh.weft.dev',
  name: 'default',
  specs: [
    {},
    { proxy: { logLevel: 'debug' } },
    { identity: { issuer: { type: 'Secret', secretName: 'not-there' } } },
    { injection: { failurePolicy: 'Fail' } },
  ],
};

/** Statuses as somebody else may leave them behind; none of them says that the operator has taken the present generation. */
export function damaged(row: KindRow, { metadata = {}, status }: Seen, pick: (count: number) => number): unknown {
  const generation = metadata.generation ?? 1;
  const condition = (type: string, observedGeneration: number) => ({
    type,
    status: 'True',
    reason: 'ByHand',
    message: 'by somebody else',
    lastTransitionTime: '2026-01-01T00:00:00Z',
    observedGeneration,
  });
  const types = row.status.form === 'parents' ? ['Accepted', 'ResolvedRefs'] : ['Ready', 'Accepted'];
  const said = (observedGeneration: number) => types.map((type) => condition(type, observedGeneration));
  if (row.status.form === 'parents') {
    const parents = status?.parents ?? [];
    const at = (observed: number) => parents.map((parent) => ({ ...parent, conditions: said(observed) }));
    return [{ parents: [] }, { parents: at(generation - 1) }, { parents: at(generation + 7) }][pick(3)];
  }
  return [
    {},
    { conditions: [condition('Verified', generation)] },
    { observedGeneration: generation },
    { observedGeneration: generation - 1, conditions: said(generation - 1) },
    { observedGeneration: generation + 7, conditions: said(generation + 7) },
  ][pick(5)];
}

export interface Seen extends RawObject {
  metadata?: RawObject['metadata'] & { generation?: number; deletionTimestamp?: string };
  spec?: Spec;
  status?: { parents?: object[]; [field: string]: unknown };
}
