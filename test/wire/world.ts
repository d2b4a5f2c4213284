import { CALLS, SERVICES } from '../support/routes/world.ts';

/** Namespaces of the cluster, by the names that the rows of routes use. */
export const NAMESPACES: Readonly<Record<string, string>> = {
  shop: 'rows',
  buyer: 'rows-buyer',
  depot: 'rows-depot',
  /** Of pods without a proxy. */
  outside: 'rows-outside',
};
const IMAGE = `${process.env['REGISTRY'] ?? 'localhost'}/weft-rows:dev`;

/** Who asks: pod and namespace; the ServiceAccount is named like the pod. */
export const CLIENTS = {
  one: { pod: 'one', namespace: NAMESPACES['shop']! },
  two: { pod: 'two', namespace: NAMESPACES['shop']! },
  buyer: { pod: 'buyer', namespace: NAMESPACES['buyer']! },
  outsider: { pod: 'outsider', namespace: NAMESPACES['outside']! },
} as const;
export type Client = keyof typeof CLIENTS;

/** Pods that rows of authorization call, by the default policy that they have; `open` is also every Service of the rows of routes. */
export const TARGETS = {
  open: { namespace: NAMESPACES['shop']!, policy: 'all-unauthenticated' },
  deny: { namespace: NAMESPACES['shop']!, policy: 'deny' },
  audit: { namespace: NAMESPACES['shop']!, policy: 'audit' },
  authenticated: { namespace: NAMESPACES['shop']!, policy: 'cluster-authenticated' },
  /** In a namespace of its own: its policies are about the whole of it. */
  depot: { namespace: NAMESPACES['depot']!, policy: 'all-unauthenticated' },
} as const;
export type Target = keyof typeof TARGETS;

/** Ports of every target, one for each row; they have no name but `named`. */
export const FIRST_PORT = 9000;
export const PORTS = 90;
export const NAMED_PORT = FIRST_PORT + PORTS - 1;
/** Behind those of the rows, for changes that are timed. */
export const FIRST_PORT_OF_CHANGES = NAMED_PORT - 5;

/** The port at which a Service of the rows of routes is: by it the answer says whose it is. */
const BACKENDS: readonly string[] = [...SERVICES, 'far', CALLS.service, 'calls-v1', 'calls-v2'];
export const portOf = (backend: string): number => 8001 + BACKENDS.indexOf(backend);

type Raw = Record<string, unknown>;

function pod(name: string, namespace: string, args: string[], annotations: Record<string, string> = {}): Raw[] {
  const container = {
    name: 'app',
    image: IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args,
    ports: [{ name: 'named', containerPort: NAMED_PORT }],
    resources: { requests: { cpu: '10m', memory: '32Mi' } },
  };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace, labels: { app: name }, annotations },
      spec: { serviceAccountName: name, terminationGracePeriodSeconds: 2, containers: [container] },
    },
  ];
}

/** A Service of a target: each of its ports under its own number. */
function targetService(name: Target, namespace: string): Raw {
  const ports = Array.from({ length: PORTS }, (_, index) => ({ name: `p${index}`, port: FIRST_PORT + index }));
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { selector: { app: name }, ports } };
}

export function namespaces(): Raw[] {
  return Object.values(NAMESPACES).map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, annotations: name === NAMESPACES['outside'] ? {} : { 'linkerd.io/inject': 'enabled' } },
  }));
}

export function workloads(): Raw[] {
  const asked = `target=${FIRST_PORT}-${NAMED_PORT}`;
  const backends = BACKENDS.map((name) => `${name}=${portOf(name)}`);
  return [
    ...Object.values(CLIENTS).flatMap(({ pod: name, namespace }) => pod(name, namespace, ['serve'])),
    ...Object.entries(TARGETS).flatMap(([name, { namespace, policy }]) => [
      ...pod(name, namespace, ['serve', asked, ...backends], {
        'config.linkerd.io/default-inbound-policy': policy,
      }),
      targetService(name as Target, namespace),
    ]),
  ];
}
