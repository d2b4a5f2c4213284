import { ACCESS_POLICIES, type AccessPolicy, UNREADABLE_POLICY } from '../../proxy-image/contract/access-policy.ts';
import { ENVIRONMENT } from '../../proxy-image/contract/environment.ts';
import { PROXY_PORTS, PROXY_UID } from '../../proxy-image/contract/ports.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import { invalid, quote, type Scalar, valid } from '../scalars/scalar.ts';
import { type Annotation, constant, type Otherwise, ofMesh } from './annotation.ts';
import { type Image, isTag, parseImage } from './image.ts';
import { isLinkerdImage, isLinkerdVersion } from './linkerd-images.ts';
import {
  IDENTITY_PORTS,
  OPAQUE_PORTS,
  POD_INBOUND_PORTS,
  SKIP_INBOUND_PORTS,
  SKIP_OUTBOUND_PORTS,
} from './port-lists.ts';
import {
  amount,
  booleanValue,
  choice,
  gracePeriodMs,
  listenPort,
  logLevel,
  networkList,
  userId,
  waitMs,
} from './values.ts';

type Proxy = MeshModel['proxy'];
type Switch = 'enabled' | 'disabled';

/** Of a workload, else of its namespace, else the Mesh or a constant; a mistake is passed over. */
function row<T>(
  name: string,
  parse: (text: string) => Scalar<T>,
  otherwise: Otherwise<T>,
  ...older: string[]
): Annotation<T> {
  return { names: [name, ...older], on: ['workload', 'namespace'], parse, strictest: null, otherwise };
}

const onOrOff = choice<Switch>('enabled', 'disabled');
const none = <T>(value: T): Otherwise<T> => constant(value, 'none');

/**
 * Whether a pod gets a proxy. A value that is none of the three, on the pod or on its namespace, means none, whatever the other says: `decide` has the table
 * of both.
 */
export const INJECT: Annotation<Switch | 'ingress'> = {
  ...row(
    'linkerd.io/inject',
    choice<Switch | 'ingress'>('enabled', 'disabled', 'ingress'),
    constant<Switch | 'ingress'>('disabled'),
  ),
  strictest: { value: 'disabled', means: 'no proxy is injected', empty: 'unreadable' },
};

/** Whether nobody may listen to what passes through the proxy (Linkerd: viz). */
export const DISABLE_TAP: Annotation<boolean> = {
  ...row('viz.linkerd.io/disable-tap', booleanValue, constant(false, '`false`')),
  strictest: { value: true, means: 'nobody may tap it', empty: 'none' },
};

/** What holds on a pod's ports without a Server. */
const DEFAULT_INBOUND_POLICY: Annotation<AccessPolicy> = {
  ...row<AccessPolicy>(
    'config.linkerd.io/default-inbound-policy',
    choice(...ACCESS_POLICIES),
    ofMesh('proxy.defaultInboundPolicy', ({ proxy }) => proxy.defaultInboundPolicy),
  ),
  strictest: { value: UNREADABLE_POLICY, means: `${UNREADABLE_POLICY} holds instead`, empty: 'none' },
};

/** Linkerd: proxy configuration. By what they are called in `ProxySettings`. */
export const WORKLOAD = {
  accessLog: row<Proxy['accessLog']>(
    'config.linkerd.io/access-log',
    choice('apache', 'json', ''),
    ofMesh('proxy.accessLog', ({ proxy }) => proxy.accessLog),
  ),
  adminPort: row('config.linkerd.io/admin-port', listenPort, constant<number>(PROXY_PORTS.admin)),
  adminShutdown: row('config.linkerd.io/proxy-admin-shutdown', onOrOff, constant<Switch>('disabled')),
  await: row('config.linkerd.io/proxy-await', onOrOff, constant<Switch>('enabled')),
  controlPort: row('config.linkerd.io/control-port', listenPort, constant<number>(PROXY_PORTS.tap)),
  cpuLimit: row(
    'config.linkerd.io/proxy-cpu-limit',
    amount,
    ofMesh('proxy.resources.limits.cpu', ({ proxy }) => proxy.resources.cpuLimit),
  ),
  cpuRequest: row(
    'config.linkerd.io/proxy-cpu-request',
    amount,
    ofMesh('proxy.resources.requests.cpu', ({ proxy }) => proxy.resources.cpuRequest),
  ),
  defaultInboundPolicy: DEFAULT_INBOUND_POLICY,
  ephemeralStorageLimit: row('config.linkerd.io/proxy-ephemeral-storage-limit', amount, none('')),
  ephemeralStorageRequest: row('config.linkerd.io/proxy-ephemeral-storage-request', amount, none('')),
  /** 0 = the image's. */
  gid: row('config.linkerd.io/proxy-gid', userId, constant(0, "the image's")),
  image: row<Image | null>('config.linkerd.io/proxy-image', proxyImage, {
    ...ofMesh('proxy.image', ({ proxy }) => parseImage(proxy.image)),
    text: "Mesh `proxy.image`, else the operator's",
  }),
  imagePullPolicy: row<Proxy['imagePullPolicy']>(
    'config.linkerd.io/image-pull-policy',
    choice('Always', 'IfNotPresent', 'Never'),
    ofMesh('proxy.imagePullPolicy', ({ proxy }) => proxy.imagePullPolicy),
  ),
  inboundPort: row('config.linkerd.io/inbound-port', listenPort, constant<number>(PROXY_PORTS.inboundMesh)),
  /** Checked and inherited; there is one format. */
  logFormat: row('config.linkerd.io/proxy-log-format', choice('json'), constant<'json'>('json')),
  logLevel: row<string>(
    'config.linkerd.io/proxy-log-level',
    logLevel,
    ofMesh('proxy.logLevel', ({ proxy }) => proxy.logLevel),
  ),
  memoryLimit: row(
    'config.linkerd.io/proxy-memory-limit',
    amount,
    ofMesh('proxy.resources.limits.memory', ({ proxy }) => proxy.resources.memoryLimit),
  ),
  memoryRequest: row(
    'config.linkerd.io/proxy-memory-request',
    amount,
    ofMesh('proxy.resources.requests.memory', ({ proxy }) => proxy.resources.memoryRequest),
  ),
  nativeSidecar: row(
    'config.linkerd.io/proxy-enable-native-sidecar',
    booleanValue,
    ofMesh('proxy.nativeSidecar', ({ proxy }) => proxy.nativeSidecar),
    'config.beta.linkerd.io/proxy-enable-native-sidecar',
    'config.alpha.linkerd.io/proxy-enable-native-sidecar',
  ),
  opaquePorts: OPAQUE_PORTS,
  outboundPort: row('config.linkerd.io/outbound-port', listenPort, constant<number>(PROXY_PORTS.outbound)),
  podInboundPorts: POD_INBOUND_PORTS,
  relayProbes: row('config.weft.dev/relay-probes', onOrOff, constant<Switch>('enabled')),
  requireIdentityPorts: IDENTITY_PORTS,
  shutdownGracePeriod: row(
    'config.linkerd.io/shutdown-grace-period',
    gracePeriodMs,
    constant(Number(ENVIRONMENT.shutdownGraceMs.fallback), '`120s`'),
  ),
  skipInboundPorts: SKIP_INBOUND_PORTS,
  skipOutboundPorts: SKIP_OUTBOUND_PORTS,
  skipSubnets: row(
    'config.linkerd.io/skip-subnets',
    networkList,
    ofMesh('proxy.skipSubnets', ({ proxy }) => proxy.skipSubnets),
  ),
  source: row<MeshModel['configurationSource']>(
    'config.weft.dev/source',
    choice('operator', 'kubernetes'),
    ofMesh('configuration.source', ({ configurationSource }) => configurationSource),
  ),
  /** Never 0: traffic of root would not be redirected. */
  uid: row('config.linkerd.io/proxy-uid', userId, constant<number>(PROXY_UID)),
  version: row('config.linkerd.io/proxy-version', proxyVersion, constant('', "the image's")),
  waitBeforeExit: row('config.alpha.linkerd.io/proxy-wait-before-exit-seconds', waitMs, constant(0, '`0`')),
};

function proxyImage(text: string): Scalar<Image> {
  const image = parseImage(text);
  if (image === null) return invalid(`must be an image reference, not ${quote(text)}`);
  return isLinkerdImage(image) ? invalid(`names an image of Linkerd, ${quote(text)}`) : valid(image);
}

function proxyVersion(text: string): Scalar<string> {
  if (!isTag(text)) return invalid(`must be an image tag, not ${quote(text)}`);
  return isLinkerdVersion(text) ? invalid(`names a version of Linkerd, ${quote(text)}`) : valid(text);
}

/** Annotations of Linkerd that mean something there and nothing here (yet): never silently. */
export const UNSUPPORTED: readonly string[] = [
  'config.linkerd.io/close-wait-timeout',
  'config.linkerd.io/debug-image',
  'config.linkerd.io/debug-image-pull-policy',
  'config.linkerd.io/debug-image-version',
  'config.linkerd.io/enable-debug-sidecar',
  'config.linkerd.io/enable-external-profiles',
  'config.linkerd.io/enable-gateway',
  'config.linkerd.io/init-image',
  'config.linkerd.io/init-image-version',
  'config.linkerd.io/proxy-additional-env',
  'config.linkerd.io/proxy-cpu-ratio-limit',
  'config.linkerd.io/proxy-disable-inbound-protocol-detect-timeout',
  'config.linkerd.io/proxy-disable-outbound-protocol-detect-timeout',
  'config.linkerd.io/proxy-inbound-connect-timeout',
  'config.linkerd.io/proxy-inbound-discovery-cache-unused-timeout',
  'config.linkerd.io/proxy-log-http-headers',
  'config.linkerd.io/proxy-metrics-hostname-labels',
  'config.linkerd.io/proxy-outbound-connect-timeout',
  'config.linkerd.io/proxy-outbound-discovery-cache-unused-timeout',
];
