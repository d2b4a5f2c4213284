import { injected } from '../support/pods.ts';
import type { Fleet } from './fleet.ts';

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** Objects of one collection. */
export interface Collection {
  /** For the progress shown. */
  what: string;
  path(namespace: string): string;
  objects: () => KubernetesObject[];
  /** What the kubelet would write, for kinds whose status is of use. */
  status?: (object: KubernetesObject) => object;
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at);
const in_ = (group: string, plural: string) => (namespace: string) => `${group}/namespaces/${namespace}/${plural}`;

export const PATHS = {
  services: in_('/api/v1', 'services'),
  pods: in_('/api/v1', 'pods'),
  slices: in_('/apis/discovery.k8s.io/v1', 'endpointslices'),
  profiles: in_('/apis/linkerd.io/v1alpha2', 'serviceprofiles'),
  splits: in_('/apis/split.smi-spec.io/v1alpha2', 'trafficsplits'),
  routes: in_('/apis/policy.linkerd.io/v1beta3', 'httproutes'),
  servers: in_('/apis/policy.linkerd.io/v1beta3', 'servers'),
  serverAuthorizations: in_('/apis/policy.linkerd.io/v1beta1', 'serverauthorizations'),
  authorizationPolicies: in_('/apis/policy.linkerd.io/v1alpha1', 'authorizationpolicies'),
} as const;

/** In the order in which they are written: what refers to another comes after it. */
export function collections(fleet: Fleet): Collection[] {
  const { size } = fleet;
  return [
    { what: 'Services', path: PATHS.services, objects: () => numbers(size.services).map((at) => service(fleet, at)) },
    { what: 'pods', path: PATHS.pods, objects: () => pods(fleet), status: (object) => podStatus(fleet, object) },
    { what: 'EndpointSlices', path: PATHS.slices, objects: () => numbers(size.services).map((at) => slice(fleet, at)) },
    {
      what: 'ServiceProfiles',
      path: PATHS.profiles,
      objects: () => numbers(size.services).flatMap((at) => profiles(fleet, at)),
    },
    { what: 'TrafficSplits', path: PATHS.splits, objects: () => numbers(size.splits).map((at) => split(fleet, at)) },
    { what: 'HTTPRoutes', path: PATHS.routes, objects: () => numbers(size.routes).map((at) => route(fleet, at)) },
    { what: 'Servers', path: PATHS.servers, objects: () => numbers(fleet.servers).map((at) => server(fleet, at)) },
    {
      what: 'ServerAuthorizations',
      path: PATHS.serverAuthorizations,
      objects: () => numbers(fleet.servers).map((at) => serverAuthorization(fleet, at)),
    },
    {
      what: 'AuthorizationPolicies',
      path: PATHS.authorizationPolicies,
      objects: () => numbers(size.authorizations - fleet.servers).map((at) => authorizationPolicy(fleet, at)),
    },
  ];
}

function service(fleet: Fleet, at: number): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: fleet.serviceName(at), namespace: fleet.namespaceOf(at) },
    spec: {
      clusterIP: fleet.clusterIp(at),
      selector: { app: fleet.serviceName(at) },
      ports: [{ name: 'http', port: fleet.port, targetPort: fleet.targetPort }],
    },
  };
}

/** As the webhook makes them: what the API server sends of a pod has the size that it has in a cluster. */
function pods(fleet: Fleet): KubernetesObject[] {
  const text = JSON.stringify(injected().pod);
  return numbers(fleet.size.services).flatMap((at) =>
    numbers(fleet.size.endpointsPerService).map((endpoint) => {
      const pod = JSON.parse(text) as KubernetesObject & { spec: object };
      const { labels = {}, ownerReferences, generateName: _, ...metadata } = pod.metadata;
      const app = fleet.serviceName(at);
      const [owner] = ownerReferences as object[];
      return {
        ...pod,
        metadata: {
          ...metadata,
          name: fleet.podName(at, endpoint),
          namespace: fleet.namespaceOf(at),
          labels: { ...(labels as object), app, 'pod-template-hash': '6d4cf56db6', 'linkerd.io/proxy-deployment': app },
          ownerReferences: [{ ...owner, name: `${app}-6d4cf56db6`, uid: `uid-${at}` }],
        },
        spec: { ...pod.spec, serviceAccountName: app, nodeName: `node-${(at + endpoint) % 100}` },
      };
    }),
  );
}

function podStatus(fleet: Fleet, { metadata }: KubernetesObject): object {
  const [, service, endpoint] = /^svc-(\d+)-.*-(\d+)$/.exec(metadata.name)!;
  const ip = fleet.podIp(Number(service), Number(endpoint));
  return { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] };
}

function slice(fleet: Fleet, at: number): KubernetesObject {
  const namespace = fleet.namespaceOf(at);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: fleet.serviceName(at),
      namespace,
      labels: { 'kubernetes.io/service-name': fleet.serviceName(at) },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: fleet.targetPort, protocol: 'TCP' }],
    endpoints: numbers(fleet.size.endpointsPerService).map((endpoint) => ({
      addresses: [fleet.podIp(at, endpoint)],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: `node-${(at + endpoint) % 100}`,
      zone: `zone-${endpoint % 3}`,
      targetRef: { kind: 'Pod', namespace, name: fleet.podName(at, endpoint) },
    })),
  };
}

function profiles(fleet: Fleet, at: number): KubernetesObject[] {
  const routes = numbers(3).map((number) => ({
    name: `route-${number}`,
    condition: { method: 'GET', pathRegex: `/api/v${number}/items/[^/]+` },
    timeout: '10s',
    isRetryable: number === 0,
  }));
  return fleet.profileNamespaces(at).map((namespace) => ({
    apiVersion: 'linkerd.io/v1alpha2',
    kind: 'ServiceProfile',
    metadata: { name: fleet.fqdn(at), namespace },
    spec: { routes },
  }));
}

function split(fleet: Fleet, at: number): KubernetesObject {
  return {
    apiVersion: 'split.smi-spec.io/v1alpha2',
    kind: 'TrafficSplit',
    metadata: { name: fleet.serviceName(at), namespace: fleet.namespaceOf(at) },
    spec: {
      service: fleet.serviceName(at),
      backends: [at, fleet.canaryOf(at)!].map((of, number) => ({
        service: fleet.serviceName(of),
        weight: number === 0 ? 900 : 100,
      })),
    },
  };
}

function route(fleet: Fleet, at: number): KubernetesObject {
  const name = fleet.serviceName(fleet.routed(at));
  const backendRefs = [{ name, port: fleet.port, weight: 1 }];
  const rules = numbers(3).map((number) => ({
    matches: [{ path: { type: 'PathPrefix', value: `/v${number}` } }],
    backendRefs,
    timeouts: { request: '10s' },
  }));
  return {
    apiVersion: 'policy.linkerd.io/v1beta3',
    kind: 'HTTPRoute',
    metadata: { name, namespace: fleet.namespaceOf(fleet.routed(at)) },
    spec: { parentRefs: [{ group: 'core', kind: 'Service', name, port: fleet.port }], rules },
  };
}

function server(fleet: Fleet, at: number): KubernetesObject {
  return {
    apiVersion: 'policy.linkerd.io/v1beta3',
    kind: 'Server',
    metadata: { name: fleet.serviceName(at), namespace: fleet.namespaceOf(at) },
    spec: {
      podSelector: { matchLabels: { app: fleet.serviceName(at) } },
      port: fleet.targetPort,
      proxyProtocol: 'HTTP/1',
    },
  };
}

function serverAuthorization(fleet: Fleet, at: number): KubernetesObject {
  const namespace = fleet.namespaceOf(at);
  const serviceAccounts = numbers(3).map((each) => ({ name: `client-${each}`, namespace }));
  return {
    apiVersion: 'policy.linkerd.io/v1beta1',
    kind: 'ServerAuthorization',
    metadata: { name: fleet.serviceName(at), namespace },
    spec: { server: { name: fleet.serviceName(at) }, client: { meshTLS: { serviceAccounts } } },
  };
}

function authorizationPolicy(fleet: Fleet, at: number): KubernetesObject {
  const of = at % fleet.servers;
  return {
    apiVersion: 'policy.linkerd.io/v1alpha1',
    kind: 'AuthorizationPolicy',
    metadata: { name: `${fleet.serviceName(of)}-${at}`, namespace: fleet.namespaceOf(of) },
    spec: {
      targetRef: { group: 'policy.linkerd.io', kind: 'Server', name: fleet.serviceName(of) },
      requiredAuthenticationRefs: [{ kind: 'ServiceAccount', name: 'prometheus', namespace: 'monitoring' }],
    },
  };
}
