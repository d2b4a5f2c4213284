import { formatImage, type Image, isTag, parseImage, versionOf } from '../../crds/annotations/image.ts';
import { ANNOTATION, AnnotationReader, type Annotations } from '../../crds/annotations/injection.ts';
import { isLinkerdImage, isLinkerdVersion } from '../../crds/annotations/linkerd-images.ts';
import {
  accessPolicy,
  booleanValue,
  choice,
  gracePeriodMs,
  identityPortList,
  listenPort,
  logLevel,
  networkList,
  pullPolicy,
  userId,
  waitMs,
} from '../../crds/annotations/values.ts';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { formatPortRanges } from '../../crds/scalars/port.ts';
import { NO_NAMES, portNames } from '../../crds/scalars/port-list.ts';
import { invalid, quote, valid } from '../../crds/scalars/scalar.ts';
import { type AccessPolicy, UNREADABLE_POLICY } from '../../proxy-image/contract/access-policy.ts';
import { EVERY_PORT } from '../../proxy-image/contract/port-ranges.ts';
import { PROXY_PORTS, PROXY_UID, type ProxyPorts } from '../../proxy-image/contract/ports.ts';
import { type Resources, readResources } from './resources.ts';

/** Everything about one pod's proxy that a user can choose: annotations of the pod, over those of the namespace, over the Mesh. */
export interface ProxySettings {
  image: string;
  version: string;
  imagePullPolicy: MeshModel['proxy']['imagePullPolicy'];
  ports: ProxyPorts;
  resources: Resources;
  uid: number;
  /** 0 = the image's. */
  gid: number;
  logLevel: string;
  accessLog: '' | 'apache' | 'json';
  defaultInboundPolicy: AccessPolicy;
  opaquePorts: string;
  requireIdentityPorts: string;
  skipInboundPorts: string;
  skipOutboundPorts: string;
  skipSubnets: string;
  nativeSidecar: boolean;
  /** Hold the other containers until the proxy is ready. */
  await: boolean;
  /** Probes that only the proxy can make are pointed at it. */
  relayProbes: boolean;
  adminShutdown: boolean;
  shutdownGraceMs: number | null;
  /** From SIGTERM on; of an ordinary container only. */
  waitBeforeExitMs: number;
  source: 'operator' | 'kubernetes';
}

export interface SettingsInput {
  mesh: MeshModel;
  /** The operator's own proxy image, for a Mesh that names none. */
  defaultImage: string;
  podAnnotations: Annotations;
  namespaceAnnotations: Annotations;
  /** Lists of the pod's own ports may name them. */
  containerPorts: PodModel['containerPorts'];
}

export interface ResolvedSettings {
  settings: ProxySettings;
  /** Annotations of the namespace that took effect and that the pod lacks. */
  inherited: Readonly<Record<string, string>>;
  warnings: string[];
}

export function resolveSettings(input: SettingsInput): ResolvedSettings {
  const { proxy } = input.mesh;
  const reader = new AnnotationReader(input.podAnnotations, input.namespaceAnnotations);
  const image = readImage(reader, input);
  const names = portNames(input.containerPorts);
  const settings: ProxySettings = {
    image: formatImage(image),
    version: versionOf(image),
    imagePullPolicy: reader.read(ANNOTATION.imagePullPolicy, pullPolicy, proxy.imagePullPolicy),
    ports: readPorts(reader),
    resources: readResources(reader, proxy.resources),
    uid: reader.read(ANNOTATION.uid, userId, PROXY_UID),
    gid: reader.read(ANNOTATION.gid, userId, 0),
    logLevel: reader.read<string>(ANNOTATION.logLevel, logLevel, proxy.logLevel),
    accessLog: reader.read<ProxySettings['accessLog']>(
      ANNOTATION.accessLog,
      choice('apache', 'json', ''),
      proxy.accessLog,
    ),
    defaultInboundPolicy: reader.readStrict(
      ANNOTATION.defaultInboundPolicy,
      accessPolicy,
      { value: UNREADABLE_POLICY, means: `${UNREADABLE_POLICY} holds instead` },
      proxy.defaultInboundPolicy,
    ),
    opaquePorts: reader.readPorts(ANNOTATION.opaquePorts, names, proxy.opaquePorts),
    requireIdentityPorts: reader.readStrict(
      ANNOTATION.requireIdentityPorts,
      identityPortList(input.containerPorts),
      { value: formatPortRanges([EVERY_PORT]), means: 'every port demands an identity' },
      '',
    ),
    skipInboundPorts: reader.readPorts(ANNOTATION.skipInboundPorts, names, proxy.skipInboundPorts),
    skipOutboundPorts: reader.readPorts(ANNOTATION.skipOutboundPorts, NO_NAMES, proxy.skipOutboundPorts),
    skipSubnets: reader.read(ANNOTATION.skipSubnets, networkList, proxy.skipSubnets),
    nativeSidecar: readNativeSidecar(reader, proxy.nativeSidecar),
    await: reader.read<string>(ANNOTATION.await, choice('enabled', 'disabled'), 'enabled') === 'enabled',
    relayProbes: reader.read<string>(ANNOTATION.relayProbes, choice('enabled', 'disabled'), 'enabled') === 'enabled',
    adminShutdown:
      reader.read<string>(ANNOTATION.adminShutdown, choice('enabled', 'disabled'), 'disabled') === 'enabled',
    shutdownGraceMs: reader.read<number | null>(ANNOTATION.shutdownGracePeriod, gracePeriodMs, null),
    waitBeforeExitMs: reader.read(ANNOTATION.waitBeforeExit, waitMs, 0),
    source: reader.read(ANNOTATION.source, choice('operator', 'kubernetes'), input.mesh.configurationSource),
  };
  // Read by the compiler from the pod itself; here it is only checked and inherited.
  reader.readPorts(ANNOTATION.podInboundPorts, names, '');
  reader.read(ANNOTATION.logFormat, choice('json'), 'json');
  if (settings.nativeSidecar && settings.waitBeforeExitMs > 0) {
    reader.warnings.push(
      `annotation ${ANNOTATION.waitBeforeExit} has no effect on a native sidecar, which ends after the other containers`,
    );
  }
  reader.warnAboutOthers();
  return { settings, inherited: reader.inherited, warnings: reader.warnings };
}

/**
 * A namespace may name any image. A pod may choose another version of an image that its namespace or the Mesh names, but no other
 * repository: who may create pods could otherwise have any image run with the rights of `linkerd-init`.
 */
function readImage(reader: AnnotationReader, input: SettingsInput): Image {
  const text = input.mesh.proxy.image === '' ? input.defaultImage : input.mesh.proxy.image;
  const base = parseImage(text) ?? { repository: text, tag: '', digest: '' };
  const ofNamespace = parseImage(input.namespaceAnnotations[ANNOTATION.image] ?? '');
  const allowed = [base.repository, ofNamespace === null || isLinkerdImage(ofNamespace) ? '' : ofNamespace.repository];
  const chosen = reader.read<Image>(
    ANNOTATION.image,
    (value, at) => {
      const image = parseImage(value);
      if (image === null) return invalid(`must be an image reference, not ${quote(value)}`);
      if (isLinkerdImage(image)) return invalid(`names an image of Linkerd, ${quote(value)}`);
      return at === 'namespace' || allowed.includes(image.repository)
        ? valid(image)
        : invalid(`must name the repository ${base.repository}; only a namespace may name another`);
    },
    base,
  );
  const image = chosen.tag === '' && chosen.digest === '' ? { ...chosen, tag: base.tag } : chosen;
  const version = reader.read<string>(
    ANNOTATION.version,
    (value) => {
      if (!isTag(value)) return invalid(`must be an image tag, not ${quote(value)}`);
      return isLinkerdVersion(value) ? invalid(`names a version of Linkerd, ${quote(value)}`) : valid(value);
    },
    '',
  );
  return version === '' ? image : { ...image, tag: version, digest: '' };
}

/** Nothing moves `inboundPlain`: no annotation of Linkerd's knows it. */
function readPorts(reader: AnnotationReader): ProxyPorts {
  const ports: ProxyPorts = {
    outbound: reader.read(ANNOTATION.outboundPort, listenPort, PROXY_PORTS.outbound),
    inboundMesh: reader.read(ANNOTATION.inboundPort, listenPort, PROXY_PORTS.inboundMesh),
    inboundPlain: PROXY_PORTS.inboundPlain,
    tap: reader.read(ANNOTATION.controlPort, listenPort, PROXY_PORTS.tap),
    admin: reader.read(ANNOTATION.adminPort, listenPort, PROXY_PORTS.admin),
  };
  const used = Object.values(ports);
  if (new Set(used).size === used.length) return ports;
  reader.warnings.push(`the port annotations are ignored: ${used.join(', ')} are not all different`);
  return PROXY_PORTS;
}

/** Precedence as in Linkerd: stable over beta over alpha. */
function readNativeSidecar(reader: AnnotationReader, fallback: boolean): boolean {
  const names = [ANNOTATION.nativeSidecarAlpha, ANNOTATION.nativeSidecarBeta, ANNOTATION.nativeSidecar];
  return names.reduce((value, name) => reader.read(name, booleanValue, value), fallback);
}
