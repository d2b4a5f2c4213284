import { createHash } from 'node:crypto';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';

/** How many objects of each kind, as in the list of goals of docs/performance.md. */
export interface ClusterSize {
  services: number;
  /** Pods behind each Service, each with a proxy. */
  endpoints: number;
  profiles: number;
  splits: number;
  routes: number;
  authorizations: number;
  namespaces: number;
}

export const LARGE_CLUSTER: ClusterSize = {
  services: 1_000,
  endpoints: 10,
  profiles: 3_000,
  splits: 500,
  routes: 500,
  authorizations: 1_000,
  namespaces: 50,
};

export interface Raw {
  apiVersion: string;
  kind: string;
  metadata: Record<string, unknown> & { name: string; namespace?: string };
  [part: string]: unknown;
}

const PORT = 8080;

function uidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [8, 12, 16, 20, 32].map((end, at) => hex.slice([0, 8, 12, 16, 20][at], end)).join('-');
}

/** What `kubectl apply` and the API server's own bookkeeping add to an object. */
function written(object: Raw, revision: number): Raw {
  const { metadata, ...rest } = object;
  const { status: _, ...applied } = rest;
  return {
    ...rest,
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      ...metadata,
      uid: uidOf(`${object.kind}/${metadata.namespace ?? ''}/${metadata.name}`),
      resourceVersion: String(revision),
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: {
        ...(metadata['annotations'] as object | undefined),
        'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ ...applied, metadata }),
      },
      managedFields: [
        {
          apiVersion: object.apiVersion,
          fieldsType: 'FieldsV1',
          fieldsV1: { 'f:metadata': { 'f:labels': { 'f:app': {} } }, 'f:spec': { 'f:ports': {}, 'f:selector': {} } },
          manager: 'kubectl-client-side-apply',
          operation: 'Update',
          time: '2026-01-01T00:00:00Z',
        },
      ],
    },
  };
}

export function namespaceOf(service: number, { namespaces }: ClusterSize): string {
  return `team-${service % namespaces}`;
}

export function vip(service: number): string {
  return `10.96.${service >> 8}.${service & 255}`;
}

export function podIp(service: number, at: number, { endpoints }: ClusterSize): string {
  const number = service * endpoints + at;
  return `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

export function podName(service: number, at: number): string {
  return `svc-${service}-7c9f6d5b8-${at.toString(36).padStart(5, 'x')}`;
}

function profileTarget(at: number, size: ClusterSize): string {
  const service = at % size.services;
  return `svc-${service}.${namespaceOf(service, size)}.svc.cluster.local`;
}

/** A pod as the API server has it: with a proxy, two volumes, probes, and what the kubelet reports. */
export function rawPod(service: number, at: number, size: ClusterSize, revision: number, beat = 0): Raw {
  const namespace = namespaceOf(service, size);
  const name = podName(service, at);
  const ip = podIp(service, at, size);
  const time = `2026-01-01T00:00:${String(beat % 60).padStart(2, '0')}Z`;
  const env = Array.from({ length: 12 }, (_, index) => ({ name: `SETTING_${index}`, value: `value-${index}-${name}` }));
  const mounts = [
    { name: 'kube-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
  ];
  const httpGet = { path: '/healthz', port: PORT, scheme: 'HTTP' };
  return written(
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name,
        namespace,
        labels: {
          app: `svc-${service}`,
          'pod-template-hash': '7c9f6d5b8',
          [CONTROL_PLANE_LABEL]: CONTROL_PLANE_NAMESPACE,
        },
        annotations: { 'linkerd.io/inject': 'enabled', 'linkerd.io/proxy-version': '0.1.0' },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `svc-${service}-7c9f6d5b8`, uid: 'u', controller: true },
        ],
      },
      spec: {
        serviceAccountName: `svc-${service}`,
        nodeName: `node-${at}`,
        volumes: [{ name: 'kube-api-access', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
        initContainers: [
          {
            name: 'linkerd-proxy',
            image: 'localhost/weft/proxy:latest',
            restartPolicy: 'Always',
            env,
            volumeMounts: mounts,
          },
        ],
        containers: [
          {
            name: 'app',
            image: `registry.example/svc-${service}:1`,
            ports: [{ name: 'http', containerPort: PORT, protocol: 'TCP' }],
            env,
            livenessProbe: { httpGet },
            readinessProbe: { httpGet },
            volumeMounts: mounts,
          },
        ],
      },
      status: {
        phase: 'Running',
        podIP: ip,
        podIPs: [{ ip }],
        conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
          type,
          status: 'True',
          lastTransitionTime: time,
        })),
        containerStatuses: [
          { name: 'app', ready: true, restartCount: beat, image: 'i', imageID: 'sha256:0', started: true },
        ],
      },
    },
    revision,
  );
}

export function rawSlice(service: number, size: ClusterSize, revision: number, unready = -1): Raw {
  const namespace = namespaceOf(service, size);
  return written(
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: `svc-${service}-abcde`,
        namespace,
        labels: { 'kubernetes.io/service-name': `svc-${service}` },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: PORT, protocol: 'TCP' }],
      endpoints: Array.from({ length: size.endpoints }, (_, at) => ({
        addresses: [podIp(service, at, size)],
        conditions: { ready: at !== unready, serving: true, terminating: false },
        nodeName: `node-${at}`,
        zone: `zone-${at % 3}`,
        targetRef: { kind: 'Pod', name: podName(service, at), namespace },
      })),
    },
    revision,
  );
}

export function rawProfile(at: number, size: ClusterSize, revision: number, timeoutMs = 1_000): Raw {
  const target = profileTarget(at, size);
  // The first of a Service is its own; the others are those that clients of another namespace go by.
  const namespace = `team-${(at % size.services) % size.namespaces}`;
  const layer = Math.floor(at / size.services);
  return written(
    {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      metadata: { name: target, namespace: layer === 0 ? namespace : `team-${(at + layer) % size.namespaces}` },
      spec: {
        routes: Array.from({ length: 5 }, (_, route) => ({
          name: `svc-${at}-${route}`,
          condition: { all: [{ method: 'GET' }, { pathRegex: `/api/svc-${at}/r${route}/[^/]+` }] },
          isRetryable: route === 0,
          timeout: `${timeoutMs}ms`,
        })),
      },
      status: { conditions: [{ type: 'Accepted', status: 'True', reason: 'Accepted', message: 'it is used' }] },
    },
    revision,
  );
}

export function rawSplit(at: number, size: ClusterSize, revision: number, weight = 500): Raw {
  const service = (at * 2) % size.services;
  const other = (service + size.namespaces) % size.services;
  return written(
    {
      apiVersion: 'split.smi-spec.io/v1alpha2',
      kind: 'TrafficSplit',
      metadata: { name: `split-${at}`, namespace: namespaceOf(service, size) },
      spec: {
        service: `svc-${service}`,
        backends: [
          { service: `svc-${service}`, weight },
          { service: `svc-${other}`, weight: 1_000 - weight },
        ],
      },
    },
    revision,
  );
}

export function rawRoute(at: number, size: ClusterSize, revision: number): Raw {
  const service = (at * 2 + 1) % size.services;
  const name = `svc-${service}`;
  return written(
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: `route-${at}`, namespace: namespaceOf(service, size) },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name, port: 80 }],
        rules: [
          {
            matches: [{ path: { type: 'PathPrefix', value: '/v1' } }],
            backendRefs: [{ name, port: 80, weight: 1 }],
          },
          { backendRefs: [{ name, port: 80, weight: 1 }] },
        ],
      },
    },
    revision,
  );
}

export function rawService(service: number, size: ClusterSize, revision: number): Raw {
  return written(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `svc-${service}`, namespace: namespaceOf(service, size), labels: { app: `svc-${service}` } },
      spec: {
        type: 'ClusterIP',
        clusterIP: vip(service),
        clusterIPs: [vip(service)],
        selector: { app: `svc-${service}` },
        ports: [{ name: 'http', port: 80, targetPort: PORT, protocol: 'TCP' }],
      },
    },
    revision,
  );
}

function rawServer(service: number, size: ClusterSize, revision: number): Raw {
  return written(
    {
      apiVersion: 'policy.linkerd.io/v1beta3',
      kind: 'Server',
      metadata: { name: `server-${service}`, namespace: namespaceOf(service, size) },
      spec: { podSelector: { matchLabels: { app: `svc-${service}` } }, port: PORT, proxyProtocol: 'HTTP/1' },
    },
    revision,
  );
}

function rawAuthorization(service: number, size: ClusterSize, revision: number): Raw {
  return written(
    {
      apiVersion: 'policy.linkerd.io/v1beta1',
      kind: 'ServerAuthorization',
      metadata: { name: `authorization-${service}`, namespace: namespaceOf(service, size) },
      spec: { server: { name: `server-${service}` }, client: { meshTLS: { identities: ['*'] } } },
    },
    revision,
  );
}

/** Every object of the cluster, kind by kind, with resourceVersions in the order in which they come. */
export function* clusterObjects(size: ClusterSize): Generator<Raw> {
  let revision = 0;
  const each = function* (count: number, make: (at: number, revision: number) => Raw) {
    for (let at = 0; at < count; at++) yield make(at, ++revision);
  };
  yield* each(size.namespaces, (at, version) =>
    written({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: `team-${at}` } }, version),
  );
  yield* each(size.services, (at, version) => rawService(at, size, version));
  yield* each(size.services * size.endpoints, (at, version) =>
    rawPod(Math.floor(at / size.endpoints), at % size.endpoints, size, version),
  );
  yield* each(size.services, (at, version) => rawSlice(at, size, version));
  yield* each(size.profiles, (at, version) => rawProfile(at, size, version));
  yield* each(size.splits, (at, version) => rawSplit(at, size, version));
  yield* each(size.routes, (at, version) => rawRoute(at, size, version));
  yield* each(size.authorizations, (at, version) => rawServer(at, size, version));
  yield* each(size.authorizations, (at, version) => rawAuthorization(at, size, version));
}
