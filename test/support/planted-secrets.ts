import type { KubeObject } from './cli-cluster.ts';
import { plainPod } from './cli-objects.ts';
import { injected } from './pods.ts';

/** A secret: nothing that leaves a cluster may have it. */
export const PLANTED = 'xK9pLantEdSecret7';

/** The forms in which text gives secrets away. */
export function plantedText(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return [
    `authorization: Bearer ${PLANTED}`,
    `Authorization: Basic ${PLANTED}`,
    `GET https://user:${PLANTED}@example.com/`,
    `password=${PLANTED}&more`,
    `{"token":"${PLANTED}","api_key": "${PLANTED}"}`,
    `client-secret: '${PLANTED}'`,
    `${part({ alg: 'ES256' })}.${part({ sub: 'me' })}.${PLANTED}`,
    `-----BEGIN EC PRIVATE KEY-----\n${PLANTED}\n-----END EC PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\n${PLANTED}`,
  ].join('\n');
}

const ANNOTATIONS = {
  'kubectl.kubernetes.io/last-applied-configuration': `{"env":"${PLANTED}"}`,
  'example.com/token': PLANTED,
  'notlinkerd.io/token': PLANTED,
  'weft.dev/note': plantedText(),
  'weft.dev/uninject': JSON.stringify({ probes: { 'app/startupProbe': { httpGet: { path: `/${PLANTED}` } } } }),
};
const MANAGED = [{ manager: 'kubectl', fieldsV1: { 'f:x': PLANTED } }];
const PROBE = {
  httpGet: { path: `/health?key=${PLANTED}`, port: 8080, httpHeaders: [{ name: 'authorization', value: PLANTED }] },
};
const ENV = [
  { name: 'OTHER', value: PLANTED },
  { name: 'WEFT_OPERATOR_NOTE', value: `Bearer ${PLANTED}` },
  { name: 'FROM_SECRET', valueFrom: { secretKeyRef: { name: 'db', key: 'password' } } },
];

function metadata(name: string, namespace?: string, labels: Record<string, string> = {}): KubeObject['metadata'] {
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: `uid-${name}`,
    resourceVersion: '1',
    labels,
    annotations: ANNOTATIONS,
    managedFields: MANAGED,
  };
}

/** An application's pod with a proxy, whose own container has secrets wherever one can be. */
function application(): KubeObject {
  const plain = plainPod('web-1', { app: 'web' });
  const secure = { httpGet: { ...PROBE.httpGet, scheme: 'HTTPS' } };
  const [container] = (plain['spec'] as { containers: object[] }).containers;
  // The proxy makes this probe: its headers go into the proxy's environment.
  const { pod: made } = injected({
    pod: { ...plain, spec: { containers: [{ ...container, startupProbe: secure }] } },
    namespace: 'shop',
  });
  if (!JSON.stringify(made).includes(PLANTED)) throw new Error('the probe is not relayed');
  const pod: KubeObject = { ...(made as unknown as KubeObject), status: plain['status'] };
  const spec = pod['spec'] as { containers: object[]; initContainers?: object[] };
  const planted = {
    env: ENV,
    envFrom: [{ secretRef: { name: 'db' } }],
    command: ['sh', '-c', `login ${PLANTED}`],
    args: [`--password=${PLANTED}`],
    livenessProbe: PROBE,
    readinessProbe: { exec: { command: ['curl', '-u', PLANTED] } },
    lifecycle: { preStop: { exec: { command: [PLANTED] } } },
  };
  const isOurs = (container: object) => 'name' in container && String(container.name).startsWith('linkerd-');
  const containers = spec.containers.map((each) => (isOurs(each) ? each : { ...each, ...planted }));
  const said = { terminated: { reason: 'Error', exitCode: 1, message: `the last line: ${PLANTED}` } };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      annotations: { ...(pod.metadata['annotations'] as object), ...ANNOTATIONS },
      managedFields: MANAGED,
    },
    spec: { ...spec, containers },
    status: { ...(pod['status'] as object), containerStatuses: [{ name: 'app', ready: false, lastState: said }] },
  };
}

function operator(): KubeObject[] {
  const name = 'weft-operator';
  const labels = { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'weft' };
  const env = [...ENV, { name: 'WEFT_OPERATOR_ROLES', value: 'all' }];
  const spec = {
    containers: [{ name: 'operator', image: 'weft-operator:1', env, args: [PLANTED], livenessProbe: PROBE }],
  };
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata: metadata(`${name}-1`, 'weft-system', labels), spec, status: {} },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata(name, 'weft-system', labels),
      spec: { template: { metadata: { annotations: ANNOTATIONS }, spec } },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: metadata(name, 'weft-system'), spec: { ports: [] } },
  ];
}

/** In filters and matches of a route, under the two names that routes have. */
function routes(): KubeObject[] {
  const values = [{ name: 'authorization', value: PLANTED }];
  const spec = {
    rules: [
      {
        matches: [{ headers: values, queryParams: values }],
        filters: [
          { type: 'RequestHeaderModifier', requestHeaderModifier: { set: values, add: values } },
          { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: values } },
        ],
      },
    ],
  };
  return [
    { apiVersion: 'policy.linkerd.io/v1beta3', kind: 'HTTPRoute', metadata: metadata('a', 'shop'), spec },
    { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: metadata('b', 'shop'), spec },
    { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GRPCRoute', metadata: metadata('c', 'shop'), spec },
  ];
}

function registrations(): KubeObject[] {
  const webhooks = (name: string) => [
    {
      name,
      clientConfig: { url: `https://user:${PLANTED}@example.com/`, caBundle: 'Y2VydGlmaWNhdGU=' },
      rules: [{ operations: ['CREATE'], apiGroups: [''], resources: ['pods'] }],
    },
  ];
  const admission = 'admissionregistration.k8s.io/v1';
  const mutating = 'MutatingWebhookConfiguration';
  return [
    { apiVersion: admission, kind: mutating, metadata: metadata('weft-injector'), webhooks: webhooks('weft') },
    { apiVersion: admission, kind: mutating, metadata: metadata('others'), webhooks: webhooks('others') },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: metadata('v1alpha1.viz.weft.dev'),
      spec: { group: 'viz.weft.dev' },
    },
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: metadata('meshes.weft.dev'),
      spec: { group: 'weft.dev', versions: [{ name: 'v1alpha1', schema: { description: PLANTED } }] },
    },
  ];
}

/** Every place that `weft diagnostics` reads, with a secret in it. */
export function plantedObjects(): KubeObject[] {
  const note = { type: 'Normal', note: plantedText() };
  const event = { apiVersion: 'events.k8s.io/v1', kind: 'Event', reportingController: 'weft-operator', ...note };
  return [
    application(),
    ...operator(),
    ...routes(),
    ...registrations(),
    { ...event, metadata: metadata('injected', 'shop'), reason: 'Injected' },
    { ...event, metadata: metadata('own', 'weft-system'), reason: 'Leading' },
    { ...event, metadata: metadata('foreign', 'shop'), reportingController: 'kubelet', reason: PLANTED },
    {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: metadata('node-1'),
      spec: { providerID: PLANTED },
      status: { nodeInfo: { kernelVersion: '6.12' } },
    },
    {
      apiVersion: 'weft.dev/v1alpha1',
      kind: 'Mesh',
      metadata: metadata('default'),
      spec: { password: PLANTED, unknown: { token: PLANTED, note: plantedText() } },
    },
    { apiVersion: 'v1', kind: 'Namespace', metadata: metadata('shop') },
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata('db', 'shop'), data: { password: PLANTED } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('settings', 'shop'), data: { password: PLANTED } },
  ];
}
