import {
  CONTROL_PLANE_LABEL,
  CONTROL_PLANE_NAMESPACE,
  PROXY_CONTAINER,
} from '../../../../proxy-image/contract/names.ts';
import { APP_PORT, type Pod, VIP_PORT } from '../../host/site.ts';
import { GRPC_PATH } from '../backend.ts';
import { type CalledRoutes, MANY_ROUTES, manyPathRegexes, manyRouteName } from '../called-routes.ts';
import type { Carried } from '../deployment.ts';
import { ROUTES_PER_SERVICE } from '../other-services.ts';

export const NAMESPACE = 'bench';
/** Of the pods; without network namespaces they are on loopback. */
const NETWORKS = [{ cidr: '10.77.0.0/16' }, { cidr: '127.0.0.0/8' }];

/** A Kubernetes object as the API server would send it, but for `resourceVersion`. */
export interface RawObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; uid?: string };
  [field: string]: unknown;
}

/** Also the name of its ServiceAccount and the value of its label `app`. */
export type PodName = 'client' | 'server' | 'plain';

/** The pod behind a Service. */
export type Backing = readonly [PodName, Pod];

export function podUid(name: PodName): string {
  return `uid-of-${name}`;
}

export function namespaceObject(): RawObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
}

export function podObject(name: PodName, { clusterIp }: Pod, meshed: boolean): RawObject {
  const app = { name: 'app', ports: [{ containerPort: APP_PORT }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: podUid(name),
      labels: { app: name, ...(meshed ? { [CONTROL_PLANE_LABEL]: CONTROL_PLANE_NAMESPACE } : {}) },
    },
    spec: {
      serviceAccountName: name,
      nodeName: 'bench',
      containers: meshed ? [app, { name: PROXY_CONTAINER }] : [app],
    },
    status: { phase: 'Running', podIP: clusterIp, podIPs: [{ ip: clusterIp }] },
  };
}

/** How a Service declares what it speaks; HTTP/1.1 is left to detection. */
const APP_PROTOCOLS: Readonly<Record<Carried, object>> = {
  http1: {},
  http2: { appProtocol: 'kubernetes.io/h2c' },
  bytes: { appProtocol: 'tcp' },
};

/** A Service with the one endpoint that stands behind it. */
export function serviceObjects(
  name: string,
  vip: string,
  [podName, pod]: Backing,
  carried: Carried = 'http1',
): RawObject[] {
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        clusterIP: vip,
        clusterIPs: [vip],
        selector: { app: podName },
        ports: [{ port: VIP_PORT, targetPort: APP_PORT, ...APP_PROTOCOLS[carried] }],
      },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: `${name}-1`, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: APP_PORT, protocol: 'TCP' }],
      endpoints: [
        { addresses: [pod.clusterIp], conditions: { ready: true }, targetRef: { kind: 'Pod', name: podName } },
      ],
    },
  ];
}

/** The route that the load takes where there are few. */
const PAGE_ROUTE = 'page';
const UNARY_ROUTE = 'hello';

/** A route of the called service that the load takes. */
export function loadRoute(called: CalledRoutes): string {
  if (called === 'few') return PAGE_ROUTE;
  return called === 'unary' ? UNARY_ROUTE : manyRouteName(MANY_ROUTES - 1);
}

export function profileObject(service: string, called: CalledRoutes): RawObject {
  return profile(service, called === 'few' || called === 'unary' ? fewRoutes(called) : manyRoutes(called));
}

/** The last route is the one that the load takes: all four are looked at, and it retries and has a timeout. */
function fewRoutes(called: 'few' | 'unary'): object[] {
  const route = (name: string, method: string, pathRegex: string, rest: object = {}) => ({
    name,
    condition: { all: [{ method }, { pathRegex }] },
    ...rest,
  });
  const rest = { isRetryable: true, timeout: '10s' };
  return [
    route('create order', 'POST', '/api/orders'),
    route('order', 'GET', '/api/orders/[^/]+'),
    route('user', 'GET', '/api/users/[^/]+/profile'),
    called === 'few'
      ? route(PAGE_ROUTE, 'GET', '/[^/]*', rest)
      : route(UNARY_ROUTE, 'POST', GRPC_PATH.replaceAll('.', '\\.'), rest),
  ];
}

function manyRoutes(called: Exclude<CalledRoutes, 'few' | 'unary'>): object[] {
  return manyPathRegexes(called).map((pathRegex, index) => ({
    name: manyRouteName(index),
    condition: { pathRegex },
    isRetryable: true,
    timeout: '10s',
  }));
}

function profile(service: string, routes: object[]): RawObject {
  return {
    apiVersion: 'linkerd.io/v1alpha2',
    kind: 'ServiceProfile',
    metadata: { name: `${service}.${NAMESPACE}.svc.cluster.local`, namespace: NAMESPACE },
    spec: { routes, retryBudget: { retryRatio: 0.2, minRetriesPerSecond: 10, ttl: '10s' } },
  };
}

/** The server's port is restricted: the client by its identity, the pod network without one. */
export function policyObjects(): RawObject[] {
  const policy = 'policy.linkerd.io/v1beta1';
  const authorization = (name: string, client: object): RawObject => ({
    apiVersion: policy,
    kind: 'ServerAuthorization',
    metadata: { name, namespace: NAMESPACE },
    spec: { server: { name: 'app' }, client: { networks: NETWORKS, ...client } },
  });
  return [
    {
      apiVersion: policy,
      kind: 'Server',
      metadata: { name: 'app', namespace: NAMESPACE },
      spec: { podSelector: { matchLabels: { app: 'server' } }, port: APP_PORT, proxyProtocol: 'HTTP/1' },
    },
    authorization('client', { meshTLS: { serviceAccounts: [{ name: 'client' }] } }),
    authorization('pod-network', { unauthenticated: true }),
  ];
}

/** Address of a service that exists only to have routes. */
export function otherVip(index: number): string {
  return `10.97.${index >> 8}.${index & 255}`;
}

export function otherServices(routes: number, backing: Backing): RawObject[] {
  const count = Math.ceil(routes / ROUTES_PER_SERVICE);
  return Array.from({ length: count }, (_, index) => [
    ...serviceObjects(`other-${index}`, otherVip(index), backing),
    profile(`other-${index}`, otherRoutes(index)),
  ]).flat();
}

function otherRoutes(index: number): object[] {
  return Array.from({ length: ROUTES_PER_SERVICE }, (_, route) => ({
    name: `s${index}-r${route}`,
    condition: { pathRegex: `/api/${index}/r${route}/[^/]+` },
  }));
}
