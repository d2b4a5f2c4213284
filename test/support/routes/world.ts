/** The Services of the rows, all in namespace `shop` but `far`; each has the TCP ports 80 (`http`) and 8080 (`alt`). */
export const SERVICES: readonly string[] = ['web', 'v1', 'v2', 'v3', 'shadow', 'empty'];

/** An address for each, in the order of `SERVICES`. */
export function addressOf(service: string): string {
  return `10.96.0.${10 + SERVICES.indexOf(service)}`;
}

export const CALLS = { service: 'calls', address: '10.96.0.30', port: 7070 } as const;

function service(name: string, namespace: string, clusterIP: string, ports: object[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace, uid: `${namespace}-${name}` },
    spec: { clusterIP, clusterIPs: [clusterIP], ports, selector: { app: name } },
  };
}

const HTTP_PORTS = [
  { name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' },
  { name: 'alt', port: 8080, targetPort: 8080, protocol: 'TCP' },
];

/** As the conformance suite writes it: `appProtocol: grpc`. */
const GRPC_PORTS = [{ name: 'grpc', port: 7070, targetPort: 7070, protocol: 'TCP', appProtocol: 'grpc' }];

/** Every Service of the world; `empty` has no endpoint, `outside` is of type ExternalName. */
export function worldServices(): object[] {
  return [
    ...SERVICES.map((name) => service(name, 'shop', addressOf(name), HTTP_PORTS)),
    service('far', 'depot', '10.96.0.40', HTTP_PORTS),
    service(CALLS.service, 'shop', CALLS.address, GRPC_PORTS),
    service('calls-v1', 'shop', '10.96.0.31', GRPC_PORTS),
    service('calls-v2', 'shop', '10.96.0.32', GRPC_PORTS),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'outside', namespace: 'shop', uid: 'shop-outside' },
      spec: { type: 'ExternalName', externalName: 'example.net', ports: HTTP_PORTS },
    },
  ];
}

export interface RouteOptions {
  namespace?: string;
  /** Seconds after the first; 0 where nothing is said. */
  age?: number;
  parents?: object[];
  annotations?: Record<string, string>;
  hostnames?: string[];
}

function route(apiVersion: string, kind: string, name: string, rules: object[], options: RouteOptions, parent: string) {
  const { namespace = 'shop', age = 0, annotations = {}, hostnames } = options;
  const creationTimestamp = new Date(Date.parse('2026-01-01T00:00:00Z') + age * 1_000)
    .toISOString()
    .replace('.000', '');
  const parentRefs = options.parents ?? [{ group: '', kind: 'Service', name: parent, namespace: 'shop' }];
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid: `${kind}-${namespace}-${name}`, creationTimestamp, annotations, generation: 1 },
    spec: { parentRefs, rules, ...(hostnames === undefined ? {} : { hostnames }) },
  };
}

/** A HTTPRoute of Service `web`, every port. */
export function http(name: string, rules: object[], options: RouteOptions = {}): object {
  return route('gateway.networking.k8s.io/v1', 'HTTPRoute', name, rules, options, 'web');
}

/** The same in Linkerd's own group. */
export function policyHttp(name: string, rules: object[], options: RouteOptions = {}): object {
  return route('policy.linkerd.io/v1beta3', 'HTTPRoute', name, rules, options, 'web');
}

/** A GRPCRoute of Service `calls`. */
export function grpc(name: string, rules: object[], options: RouteOptions = {}): object {
  return route('gateway.networking.k8s.io/v1', 'GRPCRoute', name, rules, options, CALLS.service);
}

export function fault(name: string, spec: object, namespace = 'shop'): object {
  return { apiVersion: 'weft.dev/v1alpha1', kind: 'HTTPFault', metadata: { name, namespace, uid: name }, spec };
}

/** A Service as parent, by port or name of a port. */
export function parentOf(name: string, more: object = {}): object {
  return { group: '', kind: 'Service', name, namespace: 'shop', ...more };
}

/** `backendRefs` with one Service, port 80. */
export function to(name: string, more: object = {}): { backendRefs: object[] } {
  return { backendRefs: [backend(name, more)] };
}

export function backend(name: string, more: object = {}): object {
  return { name, port: 80, ...more };
}

export const exact = (value: string) => ({ path: { type: 'Exact', value } });
export const prefix = (value: string) => ({ path: { type: 'PathPrefix', value } });
export const regex = (value: string) => ({ path: { type: 'RegularExpression', value } });
export const header = (name: string, value: string, type = 'Exact') => ({ headers: [{ name, value, type }] });
export const query = (name: string, value: string, type = 'Exact') => ({ queryParams: [{ name, value, type }] });
export const call = (service?: string, method?: string, type = 'Exact') => ({
  method: { type, ...(service === undefined ? {} : { service }), ...(method === undefined ? {} : { method }) },
});

export const requestHeaders = (changes: object) => ({ type: 'RequestHeaderModifier', requestHeaderModifier: changes });
export const responseHeaders = (changes: object) => ({
  type: 'ResponseHeaderModifier',
  responseHeaderModifier: changes,
});
export const redirect = (requestRedirect: object) => ({ type: 'RequestRedirect', requestRedirect });
export const rewrite = (urlRewrite: object) => ({ type: 'URLRewrite', urlRewrite });
export const mirror = (name: string, more: object = {}) => ({
  type: 'RequestMirror',
  requestMirror: { backendRef: { name, port: 80 }, ...more },
});
export const extension = (name: string, kind = 'HTTPFault', group = 'weft.dev') => ({
  type: 'ExtensionRef',
  extensionRef: { group, kind, name },
});
export const fullPath = (path: string) => ({ path: { type: 'ReplaceFullPath', replaceFullPath: path } });
export const prefixPath = (path: string) => ({ path: { type: 'ReplacePrefixMatch', replacePrefixMatch: path } });
