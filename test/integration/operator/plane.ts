import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { installation } from '../../../cli/install/objects.ts';
import { SOURCES } from '../../../cli/install/sources.ts';
import type { Values } from '../../../cli/install/values.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import { MANIFEST_DIRECTORY, manifestFiles } from '../../../crds/manifest.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { readConfig } from '../../../operator/config.ts';
import { Applier } from '../../../operator/kube/apply.ts';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { type ResourceType, resourcePath } from '../../../operator/kube/resources.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { NamespacedSecrets } from '../../../operator/kube/secrets.ts';
import type { WeftOperatorOptions } from '../../../operator/operator-parts.ts';
import { ISSUER_SECRET, readAuthority } from '../../../operator/pki/secrets.ts';
import { type Clock, systemClock } from '../../../operator/runtime/clock.ts';
import type { RuntimeError } from '../../../operator/runtime/errors.ts';
import type { ReflectorTiming } from '../../../operator/runtime/reflector.ts';
import { WeftOperator } from '../../../operator/weft-operator.ts';
import { serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { createLeaf, type TestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { ProxyClient } from '../serve/proxy-client.ts';

/** Who it is, and what it may do. */
const RIGHTS = /^(?:ServiceAccount|(?:Cluster)?Role(?:Binding)?)$/;
export const CRDS = MANIFEST_DIRECTORY;
export const SUFFIX = 'linkerd.cluster.local';

/** Kinds by their plural, with a version that is not always the stored one. */
export const TYPES = {
  serviceprofiles: kind('linkerd.io', 'v1alpha2', 'serviceprofiles', 'ServiceProfile'),
  trafficsplits: kind('split.smi-spec.io', 'v1alpha2', 'trafficsplits', 'TrafficSplit'),
  servers: kind('policy.linkerd.io', 'v1beta3', 'servers', 'Server'),
  serverauthorizations: kind('policy.linkerd.io', 'v1beta1', 'serverauthorizations', 'ServerAuthorization'),
  meshes: kind('weft.dev', 'v1alpha1', 'meshes', 'Mesh'),
  services: kind('', 'v1', 'services', 'Service'),
  pods: kind('', 'v1', 'pods', 'Pod'),
  namespaces: kind('', 'v1', 'namespaces', 'Namespace'),
  endpointslices: kind('discovery.k8s.io', 'v1', 'endpointslices', 'EndpointSlice'),
  leases: kind('coordination.k8s.io', 'v1', 'leases', 'Lease'),
  events: kind('events.k8s.io', 'v1', 'events', 'Event'),
  mutatingwebhookconfigurations: kind(
    'admissionregistration.k8s.io',
    'v1',
    'mutatingwebhookconfigurations',
    'MutatingWebhookConfiguration',
  ),
  validatingwebhookconfigurations: kind(
    'admissionregistration.k8s.io',
    'v1',
    'validatingwebhookconfigurations',
    'ValidatingWebhookConfiguration',
  ),
} as const;

export type Plural = keyof typeof TYPES;

interface KindOf {
  type: ResourceType;
  kind: string;
}

function kind(group: string, version: string, plural: string, name: string): KindOf {
  return { type: { group, version, plural }, kind: name };
}

export interface SeenCondition {
  type: string;
  status: string;
  reason: string;
  message: string;
  lastTransitionTime: string;
  observedGeneration: number;
}

export interface SeenObject {
  metadata: {
    name: string;
    uid: string;
    resourceVersion: string;
    generation: number;
    ownerReferences?: { kind: string; name: string }[];
    [field: string]: unknown;
  };
  status?: { observedGeneration?: number; conditions?: SeenCondition[]; proxies?: string; routes?: number };
  [field: string]: unknown;
}

/** What a user does with kubectl, on a real API server. */
export class Cluster {
  readonly api: TestApiServer;
  readonly config: PooledKubeConfig;
  readonly #rest: RestClient;
  readonly #applier: Applier;

  constructor(api: TestApiServer) {
    this.api = api;
    this.config = kubeConfigOf(api);
    this.#rest = new RestClient(this.config);
    this.#applier = new Applier(this.#rest, 'test');
  }

  apply(plural: Plural, namespace: string, name: string, content: object): Promise<SeenObject> {
    const reference = { ...TYPES[plural], namespace, name };
    return this.#applier.apply<SeenObject>(reference, { ...content }, AbortSignal.timeout(10_000));
  }

  /** Applies an object of a manifest, of whatever kind whose plural is its name with an s. */
  applyRaw(object: SeenObject & { apiVersion: string; kind: string }): Promise<unknown> {
    const { apiVersion, kind: name, metadata, ...content } = object;
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion];
    const type = { group: group ?? '', version: version ?? '', plural: `${name.toLowerCase()}s` };
    const namespace = String(metadata['namespace'] ?? '');
    const reference = { type, kind: name, namespace, name: metadata.name };
    return this.#applier.apply(reference, { ...content, metadata }, AbortSignal.timeout(10_000));
  }

  /** Applies the status as somebody else would; `content` is the status. */
  setStatus(plural: Plural, namespace: string, name: string, content: object): Promise<unknown> {
    return this.#send('PUT', `${this.#path(plural, namespace, name)}/status`, content);
  }

  get(plural: Plural, namespace: string, name: string): Promise<SeenObject> {
    return this.#send('GET', this.#path(plural, namespace, name));
  }

  list(plural: Plural, namespace: string): Promise<{ items: SeenObject[] }> {
    return this.#send('GET', this.#path(plural, namespace, ''));
  }

  read<R>(path: string): Promise<R> {
    return this.#send<R>('GET', path);
  }

  put(path: string, body: object): Promise<SeenObject> {
    return this.#send('PUT', path, body);
  }

  create<R = SeenObject>(path: string, body: object): Promise<R> {
    return this.#send('POST', path, body);
  }

  mergePatch(path: string, body: object): Promise<SeenObject> {
    const contentType = 'application/merge-patch+json';
    return this.#rest.json({ method: 'PATCH', path, body, contentType, signal: AbortSignal.timeout(10_000) });
  }

  delete(plural: Plural, namespace: string, name: string): Promise<unknown> {
    return this.#send('DELETE', this.#path(plural, namespace, name));
  }

  remove(path: string): Promise<unknown> {
    return this.#send('DELETE', path);
  }

  /** Waits until a condition has the status, and gives it. */
  condition(plural: Plural, namespace: string, name: string, type: string, status: string, withinMs = 5_000) {
    return eventually(
      `${type}=${status} on ${plural} ${name}`,
      async () => {
        const { status: held, metadata } = await this.get(plural, namespace, name);
        const found = held?.conditions?.find((each) => each.type === type && each.status === status);
        return found?.observedGeneration === metadata.generation ? found : null;
      },
      withinMs,
    );
  }

  async installDefinitions(): Promise<void> {
    for (const file of manifestFiles()) {
      for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
        await this.applyRaw(document.toJS() as SeenObject & { apiVersion: string; kind: string });
      }
    }
  }

  /** What `make install` applies, as far as rights go; resolves with a token of the ServiceAccount. */
  async installWithRights(values: Values = {}, account = 'weft-operator'): Promise<string> {
    const { controlPlane } = installation(SOURCES, values);
    for (const object of controlPlane.filter(({ kind }) => RIGHTS.test(kind))) {
      await this.applyRaw(object as unknown as SeenObject & { apiVersion: string; kind: string });
    }
    const path = `/api/v1/namespaces/weft-system/serviceaccounts/${account}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = await this.create<{ status: { token: string } }>(path, request);
    return status.token;
  }

  close(): Promise<void> {
    return this.config.close();
  }

  #path(plural: Plural, namespace: string, name: string): string {
    return resourcePath(TYPES[plural].type, namespace, name);
  }

  #send<R>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<R> {
    return this.#rest.json<R>({ method, path, body, signal: AbortSignal.timeout(10_000) });
  }
}

/** The text of a kubeconfig of whoever has the token. */
export function kubeconfigText(api: TestApiServer, token: string): string {
  const authority = Buffer.from(api.caPem).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server: api.url, 'certificate-authority-data': authority } }],
    users: [{ name: 'u', user: { token } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });
}

/** @param url another address of the API server, such as a relay in between */
export function kubeConfigOf(api: TestApiServer, url = api.url): PooledKubeConfig {
  const config = new PooledKubeConfig();
  config.loadFromString(api.kubeconfig);
  const cluster = config.getCurrentCluster()!;
  config.clusters = [{ ...cluster, server: url }];
  return config;
}

export interface OperatorOptions {
  url?: string;
  kubeConfig?: PooledKubeConfig;
  flags?: string[];
  timing?: Partial<ReflectorTiming>;
  kinds?: readonly KindRow[];
  replicas?: WeftOperatorOptions['replicas'];
  clock?: Clock;
  /** Beside being noted in `lost`. */
  onLost?: () => void;
}

/** The whole operator within this process, on free ports. */
export class Plane {
  readonly operator: WeftOperator;
  readonly log = new MemoryLogger();
  readonly lost: RuntimeError[] = [];
  readonly #api: TestApiServer;

  constructor(api: TestApiServer, name: string, options: OperatorOptions = {}) {
    this.#api = api;
    const ports = ['webhook', 'config', 'identity', 'viz', 'admin'].flatMap((port) => [`--${port}-port`, '0']);
    const flags = [
      '--host',
      '127.0.0.1',
      '--pod-name',
      name,
      '--definitions-dir',
      CRDS,
      '--lame-duck-ms',
      '1',
      ...ports,
    ];
    this.operator = new WeftOperator({
      config: readConfig([...flags, ...(options.flags ?? [])], {}),
      kubeConfig: options.kubeConfig ?? kubeConfigOf(api, options.url),
      log: this.log,
      ...(options.timing === undefined ? {} : { timing: options.timing }),
      ...(options.kinds === undefined ? {} : { kinds: options.kinds }),
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      onLost: (reason) => {
        this.lost.push(reason);
        options.onLost?.();
      },
    });
  }

  async start(): Promise<this> {
    await this.operator.start();
    return this;
  }

  async ready(withinMs = 10_000): Promise<this> {
    await eventually('the operator is ready', async () => (await this.readiness()).status === 200, withinMs);
    return this;
  }

  async readiness(): Promise<{ status: number; text: string }> {
    const answer = await fetch(`http://127.0.0.1:${this.operator.adminPort}/ready`);
    return { status: answer.status, text: await answer.text() };
  }

  /** Value of one series of `/metrics`, as `name{labels}`; NaN when there is none. */
  async metric(series: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.operator.adminPort}/metrics`);
    const line = (await answer.text()).split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? Number.NaN : Number(line.slice(series.length + 1));
  }

  /**
   * A proxy's end of the configuration stream, with a certificate for the pod's ServiceAccount. `suffix` is that of the identities by the
   * Mesh, `injectedSuffix` the one under which the pod was injected.
   */
  async proxy(
    namespace: string,
    pod: string,
    serviceAccount = 'default',
    suffix = SUFFIX,
    injectedSuffix = suffix,
  ): Promise<ProxyClient> {
    const authority = await this.authority();
    const { anchorsPem } = authority;
    const identity = serviceAccountIdentity(serviceAccount, namespace, suffix);
    const leaf = createLeaf(authority, identity);
    const client = await ProxyClient.connect({
      port: this.operator.ports.get('configuration stream') ?? 0,
      anchorsPem,
      keyPem: leaf.keyPem,
      chainPem: leaf.chainPem,
      serverName: serviceAccountIdentity('weft-operator', 'weft-system', injectedSuffix),
    });
    client.hello(namespace, pod);
    return client;
  }

  /** That signs the certificates of the mesh. */
  async authority(): Promise<TestAuthority> {
    const config = kubeConfigOf(this.#api);
    const secrets = new NamespacedSecrets(new RestClient(config), 'weft-system', {}, systemClock);
    const content = await secrets.get(ISSUER_SECRET);
    await config.close();
    const issuer = content === null ? null : readAuthority(content, Date.now());
    if (issuer === null || !issuer.ok) throw new Error('no issuer yet');
    const { authority } = issuer;
    return { anchor: authority, issuer: authority, anchorsPem: authority.anchors.map(String).join('') };
  }

  stop(): Promise<void> {
    return this.operator.stop();
  }
}
