import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const NAMESPACE = 'propagation';
const PROFILE_MANIFEST = fileURLToPath(new URL('../../../crds/kinds/service-profile/manifest.yaml', import.meta.url));
const API = 'linkerd.io/v1alpha2';
const ROUTES = 5;

/** A kind with the very schema of ServiceProfile that nobody but the API server knows: no webhook, no operator. */
export const TWIN_GROUP = 'twin.bench.weft.dev';

interface Definition {
  metadata: { name: string };
  spec: { group: string };
}

export function twinDefinition(): Definition {
  const definition = parse(readFileSync(PROFILE_MANIFEST, 'utf8'), { merge: true }) as Definition;
  return {
    ...definition,
    metadata: { name: `serviceprofiles.${TWIN_GROUP}` },
    spec: { ...definition.spec, group: TWIN_GROUP },
  };
}

export function collection(plural: 'services' | 'pods' | 'serviceaccounts'): string {
  return `/api/v1/namespaces/${NAMESPACE}/${plural}`;
}

export const ENDPOINT_SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;

export function profiles(group: string): string {
  return `/apis/${group}/v1alpha2/namespaces/${NAMESPACE}/serviceprofiles`;
}

export function fqdn(service: string): string {
  return `${service}.${NAMESPACE}.svc.cluster.local`;
}

export const ECHO = 'echo';
export const BACKENDS = ['a', 'b'] as const;
export type Backend = (typeof BACKENDS)[number];

/** Addresses of the cluster: the proxy is told where this machine serves them. */
export const BACKEND_IPS: Readonly<Record<Backend, string>> = { a: '10.77.3.1', b: '10.77.3.2' };
export const POD_IP = '10.77.3.10';
export const BACKEND_PORT = 8080;

export function serviceObject(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 80, targetPort: BACKEND_PORT }] },
  };
}

/** Without a selector nobody else manages the endpoints. */
export function sliceObject(service: string, ip: string): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: '', port: BACKEND_PORT, protocol: 'TCP' }],
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
  };
}

/** The rule that is changed: where requests to `echo` go. */
export function destination(backend: Backend): object {
  return { spec: { dstOverrides: [{ authority: fqdn(backend), weight: 1 }] } };
}

/** @param backend `null` = an ordinary profile with routes only */
export function profileObject(group: string, service: string, backend: Backend | null): object {
  const routes = Array.from({ length: ROUTES }, (_, route) => ({
    name: `${service}-${route}`,
    condition: { all: [{ method: 'GET' }, { pathRegex: `/api/${service}/r${route}/[^/]+` }] },
    isRetryable: route === 0,
  }));
  const overrides = backend === null ? {} : destination(backend);
  return {
    apiVersion: group === TWIN_GROUP ? `${TWIN_GROUP}/v1alpha2` : API,
    kind: 'ServiceProfile',
    metadata: { name: fqdn(service) },
    spec: { routes, ...('spec' in overrides ? (overrides.spec as object) : {}) },
  };
}

/** To be injected: what the proxy is started with is read from the answer. */
export function podObject(): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'caller', labels: { app: 'caller' }, annotations: { 'linkerd.io/inject': 'enabled' } },
    spec: { serviceAccountName: 'caller', containers: [{ name: 'app', image: 'localhost/none:latest' }] },
  };
}
