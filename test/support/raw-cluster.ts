import { compile } from '../../crds/compile/compile.ts';
import { MESH, type MeshModel } from '../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH, parseMesh } from '../../crds/kinds/mesh/parse.ts';
import { POD } from '../../crds/kinds/pod/model.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { KINDS } from '../../crds/kinds/registry.ts';
import { ClusterState } from '../../crds/state/cluster-state.ts';
import type { Parsed } from '../../crds/types/problem.ts';
import { formatKey, parseKey } from '../../proxy-image/contract/keys.ts';
import type {
  Endpoint,
  EndpointsResource,
  ResourceBody,
  ServiceResource,
  WorkloadResource,
} from '../../proxy-image/contract/resources.ts';
import { rowOf } from './kinds.ts';
import { type Injected, injected } from './pods.ts';

export type Raw = Record<string, unknown>;
type Texts = Record<string, string>;

function accepted<M>({ model, problems }: Parsed<M>): M {
  if (model === null) throw new Error(JSON.stringify(problems));
  return model;
}

export interface RawPod {
  ip: string;
  labels?: Texts;
  annotations?: Texts;
  /** Of one container of the application. */
  ports?: { name?: string; containerPort: number }[];
  spec?: Raw;
  /** False: as it stands, for pods outside the mesh, and for those that another injector has seen. */
  inject?: boolean;
}

/** Objects as the API server stores them, on their way through injection, parsing and compilation. Namespace `shop`, ServiceAccount `server`. */
export class RawCluster {
  readonly state: ClusterState = new ClusterState(KINDS);
  #mesh: MeshModel = DEFAULT_MESH;
  #namespaceAnnotations: Texts = {};
  #revision = 0;

  mesh(spec: Raw): void {
    this.#mesh = accepted(
      parseMesh(this.#object('weft.dev/v1alpha1', 'Mesh', 'default', { metadata: { namespace: undefined }, spec })),
    );
    this.state.apply(MESH, this.#mesh, this.#mesh.meta!);
  }

  namespace(annotations: Texts): void {
    this.#namespaceAnnotations = annotations;
    this.apply('Namespace', 'v1', 'shop', { metadata: { name: 'shop', namespace: undefined, annotations } });
  }

  apply(kind: string, apiVersion: string, name: string, fields: Raw): void {
    const row = rowOf(kind);
    const model = accepted(row.parse(this.#object(apiVersion, row.kind, name, fields)));
    this.state.apply(row, model, model.meta!);
  }

  service(name: string, clusterIP: string, ports: Raw[], annotations: Texts = {}): void {
    const spec = { clusterIP, clusterIPs: [clusterIP], ports, selector: { app: name } };
    this.apply('Service', 'v1', name, { metadata: { annotations }, spec });
  }

  server(name: string, spec: Raw): void {
    this.apply('Server', 'policy.linkerd.io/v1beta3', name, { spec });
  }

  /** Through the webhook, unless the pod says otherwise. */
  pod(name: string, { ip, labels = {}, annotations = {}, ports = [], spec = {}, inject = true }: RawPod): Injected {
    const pod = this.#object('v1', 'Pod', name, {
      metadata: { labels: { app: 'web', ...labels }, annotations },
      spec: { serviceAccountName: 'server', containers: [{ name: 'app', image: 'app:1', ports }], ...spec },
    });
    const namespaceAnnotations = inject ? { 'linkerd.io/inject': 'enabled', ...this.#namespaceAnnotations } : {};
    const result = injected({ pod, namespaceAnnotations, mesh: this.#mesh });
    const status = { phase: 'Running', podIP: ip, podIPs: [{ ip }] };
    const model = reducePod({ ...result.pod, status });
    this.state.apply(POD, model, model.meta);
    return result;
  }

  /** What the EndpointSlice controller makes of pods whose port has this number. */
  slice(service: string, port: { name?: string; port: number }, addresses: readonly string[]): void {
    this.apply('EndpointSlice', 'discovery.k8s.io/v1', `${service}-${port.port}`, {
      metadata: { labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ protocol: 'TCP', ...port }],
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    });
  }

  destination(ip: string, port: number): ServiceResource {
    return this.#body(formatKey({ kind: 'service', ip, port })) as ServiceResource;
  }

  endpoints(service: string, port: number): Endpoint[] {
    const key = formatKey({ kind: 'endpoints', namespace: 'shop', service, port, family: 'ipv4' });
    return (this.#body(key) as EndpointsResource).endpoints;
  }

  workload(pod: string): WorkloadResource {
    return this.#body(formatKey({ kind: 'workload', namespace: 'shop', pod })) as WorkloadResource;
  }

  #body(key: string): ResourceBody {
    const { compiled, failure } = compile(this.state, parseKey(key)!, '');
    if (compiled === null) throw failure ?? new Error(`nothing for ${key}`);
    return compiled.body;
  }

  #object(apiVersion: string, kind: string, name: string, { metadata = {}, ...rest }: Raw): Raw {
    const resourceVersion = String(++this.#revision);
    const own = {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion,
      creationTimestamp: '2026-01-01T00:00:00Z',
    };
    return { apiVersion, kind, metadata: { ...own, ...(metadata as Raw) }, ...rest };
  }
}
