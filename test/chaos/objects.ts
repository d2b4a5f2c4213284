import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';

export const NAMESPACE = 'chaos';
/** The pods of the clients of the configuration stream; they are there all the time. */
export const CLIENTS = ['client-0', 'client-1'];
export const SERVICES = ['web', 'api', 'db', 'cache'];

/** What a user writes: an object of one kind of the registry. */
export interface Written {
  row: KindRow;
  /** Version that it is written in, which need not be the one that is watched. */
  version: string;
  name: string;
  content: Readonly<Record<string, unknown>>;
}

/** A source of choices; `below(n)`: 0 to n - 1. */
export interface Dice {
  below(n: number): number;
  of<T>(choices: readonly T[]): T;
}

export function diceOf(random: () => number): Dice {
  const below = (n: number) => Math.floor(random() * n);
  return { below, of: (choices) => choices[below(choices.length)]! };
}

type Maker = (dice: Dice) => Omit<Written, 'row'>;

const address = (dice: Dice) => `10.1.${dice.below(3)}.${1 + dice.below(9)}`;

function service(dice: Dice): Omit<Written, 'row'> {
  const name = dice.of(SERVICES);
  const annotations = dice.below(4) === 0 ? { 'balancer.linkerd.io/failure-accrual': 'consecutive' } : {};
  const ports = [{ name: 'http', port: 80, targetPort: 8080 + dice.below(2) }];
  if (dice.below(3) === 0) ports.push({ name: 'admin', port: 81, targetPort: 9000 });
  return { version: 'v1', name, content: { metadata: { annotations }, spec: { selector: { app: name }, ports } } };
}

function slice(dice: Dice): Omit<Written, 'row'> {
  const of = dice.of(SERVICES);
  const endpoints = Array.from({ length: dice.below(5) }, () => ({
    addresses: [address(dice)],
    conditions: { ready: dice.below(4) > 0 },
    targetRef: { kind: 'Pod', namespace: NAMESPACE, name: `${of}-${dice.below(2)}` },
  }));
  return {
    version: 'v1',
    name: `${of}-${dice.below(2)}`,
    content: {
      metadata: { labels: { 'kubernetes.io/service-name': of } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints,
    },
  };
}

function pod(dice: Dice): Omit<Written, 'row'> {
  const app = dice.of(SERVICES);
  const labels = { app, version: `v${dice.below(3)}` };
  const containers = [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080 }] }];
  return { version: 'v1', name: `${app}-${dice.below(2)}`, content: { metadata: { labels }, spec: { containers } } };
}

function profile(dice: Dice): Omit<Written, 'row'> {
  const routes = Array.from({ length: dice.below(4) }, (_, at) => ({
    name: `route-${at}-${dice.below(3)}`,
    condition: { method: 'GET', pathRegex: `/${at}/.*` },
    timeout: `${1 + dice.below(9)}s`,
    isRetryable: dice.below(2) === 0,
  }));
  const name = `${dice.of(SERVICES)}.${NAMESPACE}.svc.cluster.local`;
  return { version: 'v1alpha2', name, content: { spec: { routes } } };
}

function split(dice: Dice): Omit<Written, 'row'> {
  const backends = [0, 1].map((at) => ({ service: SERVICES[(at + dice.below(3)) % 4], weight: dice.below(10) }));
  if (backends[0]?.service === backends[1]?.service) backends.pop();
  return {
    version: dice.of(['v1alpha1', 'v1alpha2', 'v1alpha3']),
    name: `split-${dice.below(2)}`,
    content: { spec: { service: dice.of(SERVICES), backends } },
  };
}

function server(dice: Dice): Omit<Written, 'row'> {
  const podSelector = { matchLabels: { app: dice.of([...SERVICES, 'client']) } };
  const spec = { podSelector, port: dice.of([8080, 9000, 'http']), proxyProtocol: dice.of(['HTTP/1', 'unknown']) };
  return { version: 'v1beta3', name: `server-${dice.below(3)}`, content: { spec } };
}

function serverAuthorization(dice: Dice): Omit<Written, 'row'> {
  const client =
    dice.below(2) === 0
      ? { unauthenticated: true }
      : { meshTLS: { serviceAccounts: [{ name: dice.of(SERVICES), namespace: NAMESPACE }] } };
  const spec = { server: { name: `server-${dice.below(3)}` }, client };
  return { version: 'v1beta1', name: `sa-${dice.below(2)}`, content: { spec } };
}

function policy(dice: Dice): Omit<Written, 'row'> {
  const targetRef = { group: 'policy.linkerd.io', kind: 'Server', name: `server-${dice.below(3)}` };
  const kind = dice.of(['MeshTLSAuthentication', 'NetworkAuthentication']);
  const requiredAuthenticationRefs = [{ group: 'policy.linkerd.io', kind, name: `auth-${dice.below(2)}` }];
  return {
    version: 'v1alpha1',
    name: `policy-${dice.below(2)}`,
    content: { spec: { targetRef, requiredAuthenticationRefs } },
  };
}

function meshTls(dice: Dice): Omit<Written, 'row'> {
  const identities = [`${dice.of(SERVICES)}.${NAMESPACE}.serviceaccount.identity.linkerd.cluster.local`];
  return { version: 'v1alpha1', name: `auth-${dice.below(2)}`, content: { spec: { identities } } };
}

function networks(dice: Dice): Omit<Written, 'row'> {
  const spec = { networks: [{ cidr: `10.${dice.below(4)}.0.0/16` }] };
  return { version: 'v1alpha1', name: `auth-${dice.below(2)}`, content: { spec } };
}

function rateLimit(dice: Dice): Omit<Written, 'row'> {
  const targetRef = { group: 'policy.linkerd.io', kind: 'Server', name: `server-${dice.below(3)}` };
  const spec = { targetRef, total: { requestsPerSecond: 10 + dice.below(90) } };
  return { version: 'v1alpha1', name: `limit-${dice.below(2)}`, content: { spec } };
}

function fault(dice: Dice): Omit<Written, 'row'> {
  const spec = { delay: { duration: `${1 + dice.below(200)}ms`, percent: 10 * dice.below(11) } };
  return { version: 'v1alpha1', name: `fault-${dice.below(2)}`, content: { spec } };
}

function route(dice: Dice): Omit<Written, 'row'> {
  const backendRefs = [0, 1].map(() => ({ name: dice.of(SERVICES), port: dice.of([80, 81]), weight: dice.below(9) }));
  const extensionRef = { group: 'weft.dev', kind: 'HTTPFault', name: `fault-${dice.below(2)}` };
  const filters = dice.below(3) === 0 ? [{ type: 'ExtensionRef', extensionRef }] : [];
  const matches = [{ path: { type: 'PathPrefix', value: `/${dice.below(4)}` } }];
  const parentRefs = [{ group: '', kind: 'Service', name: dice.of(SERVICES), port: 80 }];
  return {
    version: 'v1',
    name: `route-${dice.below(3)}`,
    content: { spec: { parentRefs, rules: [{ matches, filters, backendRefs }] } },
  };
}

function mesh(dice: Dice): Omit<Written, 'row'> {
  const spec = { proxy: { defaultInboundPolicy: dice.of(['all-unauthenticated', 'all-authenticated', 'deny']) } };
  return { version: 'v1alpha1', name: 'default', content: { spec } };
}

/** By the plural with its group, as often as they are to be written. */
const MAKERS: Readonly<Record<string, { often: number; make: Maker }>> = {
  'services.': { often: 4, make: service },
  'endpointslices.discovery.k8s.io': { often: 6, make: slice },
  'pods.': { often: 3, make: pod },
  'serviceprofiles.linkerd.io': { often: 3, make: profile },
  'trafficsplits.split.smi-spec.io': { often: 4, make: split },
  'servers.policy.linkerd.io': { often: 3, make: server },
  'serverauthorizations.policy.linkerd.io': { often: 2, make: serverAuthorization },
  'authorizationpolicies.policy.linkerd.io': { often: 2, make: policy },
  'meshtlsauthentications.policy.linkerd.io': { often: 1, make: meshTls },
  'networkauthentications.policy.linkerd.io': { often: 1, make: networks },
  'httplocalratelimitpolicies.policy.linkerd.io': { often: 1, make: rateLimit },
  'httpfaults.weft.dev': { often: 1, make: fault },
  'httproutes.gateway.networking.k8s.io': { often: 3, make: route },
  'meshes.weft.dev': { often: 1, make: mesh },
};

const DRAWN = KINDS.flatMap((row) => {
  const maker = MAKERS[`${row.plural}.${row.group}`];
  return maker === undefined ? [] : Array.from({ length: maker.often }, () => ({ row, make: maker.make }));
});

/** An object to be written, whether or not one of that name is there. Whatever it refers to need not be there either. */
export function written(dice: Dice): Written {
  const { row, make } = dice.of(DRAWN);
  return { row, ...make(dice) };
}
