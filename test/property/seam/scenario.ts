import { randomOf } from '../../support/random.ts';

/** Raw Kubernetes objects as a user writes them, and the choices that they were made from. Plain JSON, nothing of ours. */

export type Raw = Record<string, unknown>;

export interface Scenario {
  namespace: { annotations: Record<string, string> };
  /** As it is applied, before injection. */
  pod: { labels: Record<string, string>; annotations: Record<string, string>; ports: ContainerPort[]; probes: Raw };
  /** Which mesh the pod belongs to. */
  mesh: 'ours' | 'foreign' | 'none';
  service: {
    annotations: Record<string, string>;
    name: string;
    port: number;
    targetPort: number | string;
    appProtocol: string;
  };
  /** Of the Service's profile; empty = there is none. */
  profileOpaquePorts: string[];
  server: { port: number | string; proxyProtocol: string; accessPolicy: string } | null;
  authorization: 'none' | 'anybody' | 'any-identity' | 'caller' | 'other';
}

export interface ContainerPort {
  name: string;
  containerPort: number;
}

export const NAMESPACE = 'shop';
export const ACCOUNT = 'web';
export const POD_IP = '10.1.0.7';
export const VIP = '10.96.0.9';
export const CALLER = 'caller.shop.serviceaccount.identity.linkerd.cluster.local';

const PREFIX = 'config.linkerd.io/';
const POLICIES = [
  'deny',
  'all-authenticated',
  'all-unauthenticated',
  'cluster-authenticated',
  'cluster-unauthenticated',
  'audit',
  // None, and what is no policy.
  '',
  'Deny',
];
/** Ports that demand an identity; the last ones cannot be read. */
const DEMANDING = [
  '8080',
  '3000-9999',
  '1-65535',
  '7000,5000',
  '1-2000',
  'db',
  'linkerd-admin,http',
  '',
  '8080,99999',
  '7000,Http',
];
const LISTS = [
  '',
  '3306',
  '8080',
  '9000-9100',
  '1-65535',
  'db',
  'http',
  '4222,mysql',
  '8080,nonsense',
  'nonsense',
  '25,8080,db',
  // Names that only the proxy's own ports have.
  'linkerd-admin',
  'linkerd-proxy,8080',
];
const PORT_SETS: ContainerPort[][] = [
  [{ name: 'http', containerPort: 8080 }],
  [
    { name: 'http', containerPort: 8080 },
    { name: 'db', containerPort: 3306 },
  ],
  [
    { name: 'db', containerPort: 5000 },
    { name: 'http', containerPort: 9050 },
  ],
  [
    { name: 'http', containerPort: 4191 },
    { name: 'db', containerPort: 4143 },
  ],
  [],
];
const PATHS = ['/health', '/health?full=1', '/a%20b', 'ready', '/x/../y', '/é', ''];

export function scenario(seed: number): Scenario {
  const random = randomOf(seed);
  const one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
  const maybe = <T>(share: number, make: () => T): T | undefined => (random() < share ? make() : undefined);
  const annotations = (pairs: Record<string, string | undefined>): Record<string, string> =>
    Object.fromEntries(Object.entries(pairs).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
  const ports = one(PORT_SETS);
  const port = one([80, 3306, 8080, 9090]);
  const targetPort = one<number | string>(['http', 'db', 8080, 3306, 4191, 4143, 7000]);
  return {
    namespace: {
      annotations: annotations({
        [`${PREFIX}opaque-ports`]: maybe(0.25, () => one(LISTS)),
        [`${PREFIX}default-inbound-policy`]: maybe(0.25, () => one(POLICIES)),
        [`${PREFIX}proxy-require-identity-inbound-ports`]: maybe(0.15, () => one(DEMANDING)),
      }),
    },
    pod: {
      labels: { app: 'web' },
      annotations: annotations({
        [`${PREFIX}opaque-ports`]: maybe(0.3, () => one(LISTS)),
        [`${PREFIX}skip-inbound-ports`]: maybe(0.25, () =>
          one(['8080', '3000-4000', '9050', '5000,9000-9100', '4191']),
        ),
        [`${PREFIX}admin-port`]: maybe(0.3, () => one(['9191', '4999'])),
        [`${PREFIX}inbound-port`]: maybe(0.3, () => one(['5143', '4998'])),
        [`${PREFIX}default-inbound-policy`]: maybe(0.3, () => one(POLICIES)),
        [`${PREFIX}proxy-require-identity-inbound-ports`]: maybe(0.3, () => one(DEMANDING)),
      }),
      ports,
      probes: probes(one(PATHS), one<number | string>([8080, 'http', 9050, 7001]), one(['http', 'grpc', 'none'])),
    },
    mesh: one(['ours', 'ours', 'ours', 'foreign', 'none']),
    service: {
      annotations: annotations({
        [`${PREFIX}opaque-ports`]: maybe(0.25, () => one([String(port), 'web', '3306', '8080', ''])),
      }),
      name: 'web',
      port,
      targetPort,
      appProtocol: one(['', '', '', 'http', 'kubernetes.io/h2c', 'linkerd.io/opaque', 'https']),
    },
    profileOpaquePorts: maybe(0.15, () => one([[String(port)], ['1-100'], ['3306']])) ?? [],
    server:
      maybe(0.5, () => ({
        port: one<number | string>(['http', 'db', 8080, 7000]),
        proxyProtocol: one(['', 'unknown', 'HTTP/1', 'HTTP/2', 'gRPC', 'opaque', 'TLS']),
        accessPolicy: one(['', 'deny', 'all-unauthenticated', 'all-authenticated', 'audit']),
      })) ?? null,
    authorization: one(['none', 'anybody', 'any-identity', 'caller', 'other']),
  };
}

function probes(path: string, port: number | string, kind: 'http' | 'grpc' | 'none'): Raw {
  if (kind === 'none') return {};
  if (kind === 'grpc') return { readinessProbe: { grpc: { port: 8080 } } };
  return { readinessProbe: { httpGet: { path, port } }, livenessProbe: { httpGet: { path: '/live', port: 8080 } } };
}
