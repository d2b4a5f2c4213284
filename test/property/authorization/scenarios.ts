import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import type { Asked, Raw } from './oracle.ts';

export interface Scenario {
  objects: Raw[];
  pod: Raw;
  asked: Asked[];
}

export const PORT = 8080;
const SUFFIX = 'serviceaccount.identity.linkerd.cluster.local';
const POLICIES = [
  'all-authenticated',
  'all-unauthenticated',
  'cluster-authenticated',
  'cluster-unauthenticated',
  'deny',
  'audit',
];
const ADDRESSES = ['10.1.1.1', '10.1.2.3', '10.9.9.9', '192.0.2.5', 'fd00::5', '2001:db8::1', '127.0.0.1'];
const IDENTITIES = ['web.shop', 'api.shop', 'web.edge', 'gateway.edge', 'web.bookshop'].map(
  (name) => `${name}.${SUFFIX}`,
);
const PATHS = ['/', '/public', '/public/x', '/publicity', '/admin', '/admin/users', '/healthz', '/other'];
const POLICY = 'policy.linkerd.io';

/** Each row of the table is one of `asked` of one scenario; the same seed, the same table. */
export function scenarios(count: number, seed: number): Scenario[] {
  const rng = new Xoshiro(seed);
  return Array.from({ length: count }, () => new Generator(rng).scenario());
}

class Generator {
  readonly #rng: Xoshiro;
  readonly #objects: Raw[] = [];
  #age = 0;

  constructor(rng: Xoshiro) {
    this.#rng = rng;
  }

  scenario(): Scenario {
    const pod = this.#pod();
    const servers = this.#maybe(0.8) ? this.#some(1, 2, () => this.#server()) : [];
    const names = [...servers.map(({ metadata }) => metadata.name), 'missing'];
    const routes = this.#maybe(0.5) ? this.#some(1, 3, () => this.#route(names)) : [];
    this.#some(0, 2, () => this.#meshTls());
    this.#some(0, 2, () => this.#network());
    this.#some(0, 2, () => this.#legacy(names));
    this.#some(0, 3, () => this.#policy(names, routes));
    return { objects: this.#objects, pod, asked: Array.from({ length: 10 }, () => this.#asked()) };
  }

  #maybe(chance: number): boolean {
    return this.#share() < chance;
  }

  #share(): number {
    return this.#rng.uint32() / 2 ** 32;
  }

  #one<T>(of: readonly T[]): T {
    return of[Math.floor(this.#share() * of.length)]!;
  }

  #some<T>(least: number, most: number, make: () => T): T[] {
    return Array.from({ length: least + Math.floor(this.#share() * (most - least + 1)) }, make);
  }

  /** Names and ages are at odds, so that it shows which of them decides. */
  #add(apiVersion: string, kind: string, spec: Raw['spec'], labels: Record<string, string> = {}): Raw {
    const at = this.#age++;
    const name = `${this.#one(['a', 'm', 'z'])}${at}`;
    const namespace = this.#maybe(0.9) ? 'shop' : 'edge';
    const creationTimestamp = `2026-01-01T00:00:0${this.#maybe(0.3) ? 0 : 9 - (at % 10)}Z`;
    const object: Raw = { apiVersion, kind, metadata: { name, namespace, creationTimestamp, labels }, spec };
    this.#objects.push(object);
    return object;
  }

  #pod(): Raw {
    const annotations = this.#maybe(0.7) ? { 'config.linkerd.io/default-inbound-policy': this.#one(POLICIES) } : {};
    const ports = [{ name: 'http', containerPort: PORT }];
    const livenessProbe = { httpGet: { path: '/healthz', port: PORT } };
    const container = { name: 'app', ports, ...(this.#maybe(0.5) ? { livenessProbe } : {}) };
    const metadata = {
      name: 'web-1',
      namespace: 'shop',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { app: 'web' },
      annotations,
    };
    return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container] } };
  }

  #server(): Raw {
    const accessPolicy = this.#one([undefined, 'deny', ...POLICIES]);
    const matchLabels = this.#one([{ app: 'web' }, { app: 'web' }, {}, { app: 'db' }]);
    const port = this.#one([PORT, 'http', 'http', 9090]);
    const spec = {
      podSelector: { matchLabels },
      port,
      proxyProtocol: this.#one(['unknown', 'HTTP/1']),
      ...(accessPolicy === undefined ? {} : { accessPolicy }),
    };
    return this.#add(`${POLICY}/v1beta3`, 'Server', spec, this.#one<Record<string, string>>([{ tier: 'front' }, {}]));
  }

  #networks(): Raw['spec'][] {
    return this.#some(1, 2, () =>
      this.#one([
        { cidr: '10.1.0.0/16' },
        { cidr: '10.0.0.0/8', except: ['10.9.0.0/16'] },
        { cidr: '0.0.0.0/0', except: ['10.1.2.3', '192.0.2.0/24'] },
        { cidr: 'fd00::/8' },
        { cidr: '192.0.2.5' },
      ]),
    );
  }

  #legacy(servers: string[]): Raw {
    const server = this.#maybe(0.7)
      ? { name: this.#one(servers) }
      : { selector: { matchLabels: this.#one([{}, { tier: 'front' }]) } };
    const who = this.#one<Raw['spec']>([
      { unauthenticated: true },
      { meshTLS: { unauthenticatedTLS: true } },
      { meshTLS: { identities: ['*'] } },
      { meshTLS: { identities: [`*.shop.${SUFFIX}`] } },
      { meshTLS: { serviceAccounts: [{ name: 'web' }] } },
      { meshTLS: { serviceAccounts: [{ name: 'gateway', namespace: 'edge' }] } },
    ]);
    const networks = this.#maybe(0.4) ? { networks: this.#networks() } : {};
    return this.#add(`${POLICY}/v1beta1`, 'ServerAuthorization', { server, client: { ...networks, ...who } });
  }

  #meshTls(): Raw {
    const spec = this.#one([
      { identities: ['*'] },
      { identities: [IDENTITIES[0], `*.edge.${SUFFIX}`] },
      { identities: ['spiffe://example.org/web'] },
      { identityRefs: [{ kind: 'ServiceAccount', name: 'api' }] },
      {
        identityRefs: [
          { kind: 'ServiceAccount', name: 'web', namespace: 'edge' },
          { kind: 'Namespace', name: 'edge' },
        ],
      },
    ]);
    return this.#add(`${POLICY}/v1alpha1`, 'MeshTLSAuthentication', spec);
  }

  #network(): Raw {
    return this.#add(`${POLICY}/v1alpha1`, 'NetworkAuthentication', { networks: this.#networks() });
  }

  #policy(servers: string[], routes: Raw[]): Raw {
    const ofRoutes = routes.map(({ apiVersion, metadata }) => ({
      group: apiVersion.split('/')[0],
      kind: 'HTTPRoute',
      name: metadata.name,
    }));
    const target = this.#one<Raw['spec']>([
      { group: POLICY, kind: 'Server', name: this.#one(servers) },
      { kind: 'Namespace', name: 'shop' },
      ...ofRoutes,
      ...ofRoutes,
    ]);
    const requiredAuthenticationRefs = this.#authentications();
    const policy = this.#add(`${POLICY}/v1alpha1`, 'AuthorizationPolicy', {
      targetRef: target,
      requiredAuthenticationRefs,
    });
    if (target.kind === 'Namespace') policy.metadata.namespace = 'shop';
    return policy;
  }

  #authentications(): Raw['spec'][] {
    const existing = (kind: string) =>
      this.#objects.filter((each) => each.kind === kind).map(({ metadata }) => metadata);
    const ref = (kind: string) => {
      const { name, namespace } = this.#one([...existing(kind), { name: 'missing', namespace: 'shop' }]);
      return { group: POLICY, kind, name, namespace };
    };
    const account = {
      kind: 'ServiceAccount',
      name: this.#one(['web', 'gateway']),
      namespace: this.#one(['shop', 'edge']),
    };
    const who = this.#one<Raw['spec'][]>([[], [ref('MeshTLSAuthentication')], [account]]);
    return this.#maybe(0.4) ? [...who, ref('NetworkAuthentication')] : who;
  }

  #route(servers: string[]): Raw {
    const group = this.#one([`${POLICY}/v1beta3`, 'gateway.networking.k8s.io/v1']);
    const match = () => {
      const path = this.#one([
        undefined,
        { type: 'PathPrefix', value: this.#one(PATHS) },
        { type: 'Exact', value: this.#one(PATHS) },
      ]);
      const method = this.#maybe(0.3) ? { method: this.#one(['GET', 'POST']) } : {};
      const headers = this.#maybe(0.3) ? { headers: [{ name: 'x-team', value: this.#one(['a', 'b']) }] } : {};
      return { ...(path === undefined ? {} : { path }), ...method, ...headers };
    };
    const parentRefs = [{ group: POLICY, kind: 'Server', name: this.#one(servers) }];
    return this.#add(group, 'HTTPRoute', {
      parentRefs,
      rules: this.#some(1, 2, () => ({ matches: this.#some(1, 2, match) })),
    });
  }

  #asked(): Asked {
    const tls = this.#maybe(0.7);
    const identity = tls && this.#maybe(0.9) ? this.#one([...IDENTITIES, 'spiffe://example.org/web']) : null;
    const headers: Record<string, string> = this.#maybe(0.5) ? { 'x-team': this.#one(['a', 'b']) } : {};
    return {
      ip: this.#one(ADDRESSES),
      tls,
      identity,
      method: this.#one(['GET', 'GET', 'POST']),
      path: this.#one(PATHS),
      headers,
    };
  }
}
