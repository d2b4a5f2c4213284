import { Facts } from '../../../../cli/check/facts/facts.ts';
import { type JudgedCategory, judge } from '../../../../cli/check/judge.ts';
import { CATEGORIES, type Scope } from '../../../../cli/check/registry.ts';
import type { KubeObject } from '../../../../cli/install/object.ts';
import { installation } from '../../../../cli/install/objects.ts';
import { SOURCES } from '../../../../cli/install/sources.ts';
import { DEFAULT_MESH } from '../../../../crds/kinds/mesh/parse.ts';
import { KINDS } from '../../../../crds/kinds/registry.ts';
import { type Authority, createAnchor, createIssuer } from '../../../../operator/pki/authority.ts';
import { toPem } from '../../../../operator/pki/certificate.ts';
import { toSecret } from '../../../../operator/pki/secrets.ts';
import { ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET } from '../../../../proxy-image/contract/names.ts';
import { VERSION } from '../../../../proxy-image/contract/version.ts';
import { injectorConfiguration, validatorConfiguration } from '../../../../webhooks/configurations.ts';
import { inject } from '../../../../webhooks/inject/patch.ts';
import { applyPatch } from '../../../support/json-patch.ts';

export const NOW_MS = Date.parse('2026-06-01T12:00:00Z');
export const DAY_MS = 86_400_000;
export const SYSTEM = 'weft-system';

type Json = Record<string, unknown>;

const WANTED = installation(SOURCES, { 'images.tag': VERSION });

/** The root of trust that the operator would have made at `NOW_MS`. */
export interface Trust {
  anchor: Authority;
  issuer: Authority;
  webhooks: Authority;
}

export const TRUST: Trust = trust(NOW_MS - DAY_MS);

export function trust(nowMs: number, lifetimeMs = 3_650 * DAY_MS, issuerLifetimeMs = 365 * DAY_MS): Trust {
  const anchor = createAnchor('anchor', lifetimeMs, nowMs);
  return {
    anchor,
    issuer: createIssuer(anchor, 'issuer', issuerLifetimeMs, nowMs),
    webhooks: createAnchor('webhooks', lifetimeMs, nowMs),
  };
}

/** Raw objects of a cluster, by the names of `cli/check/facts/reads.ts`, which a test changes as it likes. */
export class World {
  readonly objects = new Map<string, unknown[]>();
  readonly unread = new Map<string, string>();
  nowMs = NOW_MS;
  aheadMs: number | null = 0;
  serverVersion = 'v1.33.1';
  cliVersion = VERSION;

  list(name: string): unknown[] {
    const list = this.objects.get(name) ?? [];
    this.objects.set(name, list);
    return list;
  }

  add(name: string, ...objects: object[]): this {
    this.list(name).push(...objects.map((object) => structuredClone(object)));
    return this;
  }

  /** By its name; of several namespaces, the first. */
  get(name: string, wanted: string): Json {
    const found = this.list(name).find((raw) => ((raw as Json)['metadata'] as Json)['name'] === wanted);
    if (found === undefined) throw new Error(`no ${name} ${wanted}`);
    return found as Json;
  }

  remove(name: string, wanted: string): this {
    const object = this.get(name, wanted);
    this.objects.set(
      name,
      this.list(name).filter((each) => each !== object),
    );
    return this;
  }

  /** Sets a field, such as `spec.ports.0.port`, of an object; `undefined` takes it away. */
  set(name: string, wanted: string, path: string | readonly string[], value: unknown): this {
    put(this.get(name, wanted), typeof path === 'string' ? path.split('.') : path, value);
    return this;
  }

  judge(scope: Scope, namespace: string | null = null): readonly JudgedCategory[] {
    const facts = new Facts({
      nowMs: this.nowMs,
      aheadMs: this.aheadMs,
      serverVersion: this.serverVersion,
      cliVersion: this.cliVersion,
      namespace,
      wanted: WANTED,
      objects: structuredClone(this.objects),
      unread: this.unread,
    });
    return judge(CATEGORIES[scope], facts);
  }
}

export function put(object: Json, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length > 0) {
    object[key] ??= /^\d+$/.test(rest[0]!) ? [] : {};
    put(object[key] as Json, rest, value);
  } else if (value === undefined) delete object[key];
  else object[key] = value;
}

const IMAGES = { operator: `localhost/weft-operator:${VERSION}`, proxy: `localhost/weft-proxy:${VERSION}` };

/** A cluster in which nothing is wrong: one node, the control plane, and in the namespace `shop` a workload with a Service and policies. */
export function healthy(): World {
  const world = new World();
  for (const [name, objects] of HEALTHY.objects) world.add(name, ...(objects as object[]));
  return world;
}

function built(): World {
  const world = new World();
  addNode(world);
  addNamespaces(world);
  addControlPlane(world);
  addWebhooks(world);
  addShop(world);
  world.set('Pod', 'outsider', 'metadata.annotations', { 'linkerd.io/inject': 'disabled' });
  return world;
}

function addNode(world: World): void {
  const nodeInfo = { kernelVersion: '6.1.0-18-amd64', operatingSystem: 'linux', architecture: 'amd64' };
  world.add('nodes', {
    metadata: { name: 'node-1' },
    spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24'] },
    status: { nodeInfo, conditions: [{ type: 'Ready', status: 'True' }], addresses: [] },
  });
  world.add('nodeLeases', {
    metadata: { name: 'node-1', namespace: 'kube-node-lease' },
    spec: { holderIdentity: 'node-1', renewTime: new Date(NOW_MS - 4_000).toISOString().replace('Z', '000Z') },
  });
}

function addNamespaces(world: World): void {
  const names = ['default', 'kube-system', 'shop', SYSTEM];
  world.add(
    'Namespace',
    ...names.map((name) => ({ metadata: { name, labels: { 'kubernetes.io/metadata.name': name } } })),
  );
  world.set('Namespace', 'shop', 'metadata.annotations', { 'linkerd.io/inject': 'enabled' });
}

function addControlPlane(world: World): void {
  const { definitions, controlPlane } = WANTED;
  const conditions = [{ type: 'Established', status: 'True' }];
  world.add('definitions', ...definitions.map((each) => ({ ...each, status: { conditions } })));
  world.add('controlPlane', ...controlPlane);
  const own = controlPlane.find(({ kind }) => kind === 'Namespace')!;
  world.set('Namespace', SYSTEM, 'metadata', {
    ...own.metadata,
    labels: { ...own.metadata.labels, 'kubernetes.io/metadata.name': SYSTEM },
  });
  const operator = controlPlane.find(({ kind }) => kind === 'Deployment') as KubeObject;
  const place = world.list('controlPlane').findIndex((each) => (each as KubeObject).kind === 'Deployment');
  world.list('controlPlane')[place] = structuredClone({
    ...operator,
    metadata: { ...operator.metadata, generation: 1 },
    spec: { ...(operator['spec'] as object), replicas: 1 },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 },
  });
  const labels = { 'app.kubernetes.io/name': 'weft-operator', 'app.kubernetes.io/part-of': 'weft' };
  world.add(
    'Pod',
    pod('weft-operator-0', SYSTEM, labels, '10.244.0.2', {
      containers: [{ name: 'operator', image: IMAGES.operator }],
      serviceAccountName: 'weft-operator',
    }),
  );
  const service = controlPlane.find(({ kind }) => kind === 'Service')!;
  const spec = { ...(service['spec'] as object), type: 'ClusterIP', clusterIP: '10.96.0.5', clusterIPs: ['10.96.0.5'] };
  world.add('Service', { metadata: service.metadata, spec });
  world.add('EndpointSlice.discovery.k8s.io', slice('weft-operator', SYSTEM, [{ port: 8443 }], '10.244.0.2'));
  world.add('secrets', secret(ISSUER_SECRET, TRUST.issuer), secret(WEBHOOK_AUTHORITY_SECRET, TRUST.webhooks));
}

export function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

export function secret(name: string, authority: Authority): object {
  const { type, data } = toSecret(authority);
  const encoded = Object.fromEntries(
    Object.entries(data)
      .filter(([key]) => key !== 'tls.key')
      .map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  return { type, metadata: { name, namespace: SYSTEM }, data: encoded };
}

function addWebhooks(world: World): void {
  const input = {
    mesh: DEFAULT_MESH,
    caBundlePem: toPem([TRUST.webhooks.certificate]),
    client: { type: 'service' } as const,
    otherInjector: false,
    owner: null,
  };
  world.add('mutatingWebhooks', injectorConfiguration(input));
  world.add('validatingWebhooks', validatorConfiguration(input, KINDS));
  world.add('injection', { namespace: 'default', object: injectedPod('trial', 'default', '', {}), refusal: '' });
  const refusal = `403 to POST /apis/…: admission webhook "validator.webhooks.weft.dev" denied the request: spec.proxy.opaquePorts: must be ports`;
  world.add('validation', { namespace: 'default', object: null, refusal });
}

function addShop(world: World): void {
  const labels = { app: 'web', 'pod-template-hash': '7d4b9' };
  world.add(
    'Pod',
    injectedPod('web-7d4b9-a', 'shop', '10.244.0.10', labels),
    injectedPod('web-7d4b9-b', 'shop', '10.244.0.11', labels),
    pod('outsider', 'shop', { app: 'outsider' }, '10.244.0.12', { containers: [{ name: 'app', image: 'app:1' }] }),
  );
  const ports = [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }];
  world.add('Service', {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], selector: { app: 'web' }, ports },
  });
  world.add(
    'EndpointSlice.discovery.k8s.io',
    slice('web', 'shop', [{ name: 'http', port: 8080 }], '10.244.0.10', '10.244.0.11'),
  );
  for (const [kind, object] of Object.entries(policies())) world.add(kind, ...object);
}

export function injectedPod(name: string, namespace: string, ip: string, labels: Record<string, string>): object {
  const containers = [{ name: 'app', image: 'app:1', ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }] }];
  const raw = pod(name, namespace, labels, ip, { containers, serviceAccountName: 'web' });
  return injectedOf(raw, namespace, { 'linkerd.io/inject': 'enabled' });
}

/** As the webhook makes it, and the kubelet runs it. */
export function injectedOf(raw: Json, namespace: string, namespaceAnnotations: Record<string, string>): object {
  const { patch } = inject({
    pod: raw,
    namespace,
    namespaceAnnotations,
    namespaceLabels: {},
    demands: [],
    mesh: DEFAULT_MESH,
    trustAnchorsPem: toPem(TRUST.issuer.anchors),
    defaultImage: IMAGES.proxy,
    version: VERSION,
  });
  const injected = applyPatch(raw, patch) as Json;
  put(injected, ['status', 'initContainerStatuses'], [ended('linkerd-init'), running('linkerd-proxy')]);
  return injected;
}

export function pod(
  name: string,
  namespace: string,
  labels: Record<string, string>,
  ip: string,
  spec: { containers: { name: string; [field: string]: unknown }[]; [field: string]: unknown },
): Json {
  const hash = labels['pod-template-hash'];
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `web-${hash}`, uid: 'u', controller: true };
  return {
    metadata: { name, namespace, uid: name, labels, ...(hash === undefined ? {} : { ownerReferences: [owner] }) },
    spec: { nodeName: 'node-1', ...spec },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: ip === '' ? [] : [{ ip }],
      conditions: [
        { type: 'PodScheduled', status: 'True' },
        { type: 'Ready', status: 'True' },
      ],
      containerStatuses: spec.containers.map((container) => running(container.name)),
    },
  };
}

export function running(name: string): Json {
  return { name, ready: true, restartCount: 0, state: { running: { startedAt: '2026-06-01T10:00:00Z' } } };
}

function ended(name: string): Json {
  const terminated = { reason: 'Completed', exitCode: 0, finishedAt: '2026-06-01T10:00:00Z' };
  return { name, ready: true, restartCount: 0, state: { terminated } };
}

export function slice(service: string, namespace: string, ports: object[], ...ips: string[]): object {
  return {
    metadata: { name: `${service}-x`, namespace, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: ports.map((port) => ({ protocol: 'TCP', ...port })),
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true, serving: true, terminating: false } })),
  };
}

/** Status as the operator writes it while all is well. */
export const READY = {
  observedGeneration: 1,
  conditions: ['Accepted', 'ResolvedRefs', 'Programmed', 'Ready'].map(isTrue),
};

function isTrue(type: string): object {
  return { type, status: 'True', reason: 'Fine', message: 'all is well', observedGeneration: 1 };
}

export function custom(name: string, spec: object, status: object = READY, namespace = 'shop'): object {
  return {
    metadata: { name, namespace, generation: 1, uid: name, creationTimestamp: '2026-05-01T00:00:00Z' },
    spec,
    status,
  };
}

function policies(): Record<string, object[]> {
  const parentRef = { group: 'policy.linkerd.io', kind: 'Server', name: 'web-http' };
  const parents = [{ parentRef, controllerName: 'linkerd.io/policy-controller', conditions: READY.conditions }];
  return {
    'Server.policy.linkerd.io': [
      custom('web-http', { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol: 'HTTP/1' }),
    ],
    'HTTPRoute.policy.linkerd.io': [
      custom('web-all', { parentRefs: [parentRef], rules: [{ matches: [{ path: { value: '/' } }] }] }, { parents }),
    ],
    'AuthorizationPolicy.policy.linkerd.io': [
      custom('web', {
        targetRef: { group: 'policy.linkerd.io', kind: 'Server', name: 'web-http' },
        requiredAuthenticationRefs: [{ kind: 'MeshTLSAuthentication', group: 'policy.linkerd.io', name: 'clients' }],
      }),
    ],
    'MeshTLSAuthentication.policy.linkerd.io': [custom('clients', { identities: ['*'] })],
    'ServiceProfile.linkerd.io': [
      custom('web.shop.svc.cluster.local', { routes: [{ name: 'all', condition: { pathRegex: '/.*' } }] }),
    ],
    'Mesh.weft.dev': [
      {
        metadata: { name: 'default', generation: 1 },
        spec: {},
        status: {
          observedGeneration: 1,
          proxies: '2/2',
          conditions: ['Accepted', 'CertificatesValid', 'SingleInjector', 'DefinitionsComplete', 'Ready'].map(isTrue),
        },
      },
    ],
  };
}

const HEALTHY = built();
