import type { Reading } from '../../crds/annotations/annotation.ts';
import { formatImage, type Image, parseImage, versionOf } from '../../crds/annotations/image.ts';
import { isLinkerdImage } from '../../crds/annotations/linkerd-images.ts';
import { readerOfPod } from '../../crds/annotations/of-pod.ts';
import type { AnnotationReader, Annotations, Finding } from '../../crds/annotations/reader.ts';
import { unknownNames } from '../../crds/annotations/rows.ts';
import { UNSUPPORTED, WORKLOAD } from '../../crds/annotations/workload.ts';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { formatPortRanges } from '../../crds/scalars/port.ts';
import { invalid, quote } from '../../crds/scalars/scalar.ts';
import type { AccessPolicy } from '../../proxy-image/contract/access-policy.ts';
import { PROXY_PORTS, type ProxyPorts } from '../../proxy-image/contract/ports.ts';
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
  shutdownGraceMs: number;
  /** From SIGTERM on; of an ordinary container only. */
  waitBeforeExitMs: number;
  source: 'operator' | 'kubernetes';
}

export interface SettingsInput {
  mesh: MeshModel;
  /** The operator's own proxy image, for a Mesh that names none. */
  defaultImage: string;
  pod: PodModel;
  namespaceAnnotations: Annotations;
}

export interface ResolvedSettings {
  settings: ProxySettings;
  /** Annotations of the namespace that took effect and that the pod lacks. */
  inherited: Readonly<Record<string, string>>;
  warnings: string[];
}

export function resolveSettings(input: SettingsInput): ResolvedSettings {
  const { pod, namespaceAnnotations } = input;
  const warnings: string[] = [];
  const reader = readerOfPod(pod, namespaceAnnotations, input.mesh, (finding) => warnings.push(warningOf(finding)));
  const image = readImage(reader, input);
  const settings: ProxySettings = {
    image: formatImage(image),
    version: versionOf(image),
    imagePullPolicy: reader.value(WORKLOAD.imagePullPolicy),
    ports: readPorts(reader, warnings),
    resources: readResources(reader, warnings),
    uid: reader.value(WORKLOAD.uid),
    gid: reader.value(WORKLOAD.gid),
    logLevel: reader.value(WORKLOAD.logLevel),
    accessLog: reader.value(WORKLOAD.accessLog),
    defaultInboundPolicy: reader.value(WORKLOAD.defaultInboundPolicy),
    opaquePorts: formatPortRanges(reader.value(WORKLOAD.opaquePorts)),
    requireIdentityPorts: formatPortRanges(reader.value(WORKLOAD.requireIdentityPorts)),
    skipInboundPorts: formatPortRanges(reader.value(WORKLOAD.skipInboundPorts)),
    skipOutboundPorts: formatPortRanges(reader.value(WORKLOAD.skipOutboundPorts)),
    skipSubnets: reader.value(WORKLOAD.skipSubnets),
    nativeSidecar: reader.value(WORKLOAD.nativeSidecar),
    await: reader.value(WORKLOAD.await) === 'enabled',
    relayProbes: reader.value(WORKLOAD.relayProbes) === 'enabled',
    adminShutdown: reader.value(WORKLOAD.adminShutdown) === 'enabled',
    shutdownGraceMs: reader.value(WORKLOAD.shutdownGracePeriod),
    waitBeforeExitMs: reader.value(WORKLOAD.waitBeforeExit),
    source: reader.value(WORKLOAD.source),
  };
  // Nothing goes by them; they are only checked and inherited.
  reader.value(WORKLOAD.podInboundPorts);
  reader.value(WORKLOAD.logFormat);
  if (settings.nativeSidecar && settings.waitBeforeExitMs > 0) {
    warnings.push(
      `annotation ${WORKLOAD.waitBeforeExit.names[0]} has no effect on a native sidecar, which ends after the other containers`,
    );
  }
  warnings.push(
    ...withoutEffect('workload', pod.meta.annotations),
    ...withoutEffect('namespace', namespaceAnnotations),
  );
  return { settings, inherited: reader.inherited, warnings };
}

function warningOf({ name, place, kind, text }: Finding): string {
  const subject = `annotation ${name} of the ${place}`;
  switch (kind) {
    case 'passedOver':
      return `${subject} is ignored: it ${text}`;
    case 'strictest':
      return `${subject} cannot be followed: it ${text}`;
    case 'partly':
    case 'idle':
      return `${subject} ${text}`;
  }
}

/** Linkerd's that is not supported, and what nobody knows. */
function withoutEffect(place: 'workload' | 'namespace', annotations: Annotations): string[] {
  return unknownNames(place, annotations)
    .toSorted()
    .map((name) => {
      const reason = UNSUPPORTED.includes(name) ? 'is not supported and has no effect' : 'is not known';
      return `annotation ${quote(name)} of the ${place} ${reason}`;
    });
}

/**
 * A namespace may name any image. A pod may choose another version of an image that its namespace or the Mesh names, but no other
 * repository: who may create pods could otherwise have any image run with the rights of `linkerd-init`.
 */
function readImage(reader: AnnotationReader, input: SettingsInput): Image {
  const text = input.mesh.proxy.image === '' ? input.defaultImage : input.mesh.proxy.image;
  const base = parseImage(text) ?? { repository: text, tag: '', digest: '' };
  const ofNamespace = parseImage(input.namespaceAnnotations[WORKLOAD.image.names[0]] ?? '');
  const allowed = [base.repository, ofNamespace === null || isLinkerdImage(ofNamespace) ? '' : ofNamespace.repository];
  const chosen =
    reader.read(WORKLOAD.image, (value, names, place): Reading<Image | null> => {
      const image = WORKLOAD.image.parse(value, names);
      return !image.ok || place === 'namespace' || allowed.includes(image.value?.repository ?? '')
        ? image
        : invalid(`must name the repository ${base.repository}; only a namespace may name another`);
    }) ?? base;
  const image = chosen.tag === '' && chosen.digest === '' ? { ...chosen, tag: base.tag } : chosen;
  const version = reader.value(WORKLOAD.version);
  return version === '' ? image : { ...image, tag: version, digest: '' };
}

/** Nothing moves `inboundPlain`: no annotation of Linkerd's knows it. */
function readPorts(reader: AnnotationReader, warnings: string[]): ProxyPorts {
  const ports: ProxyPorts = {
    outbound: reader.value(WORKLOAD.outboundPort),
    inboundMesh: reader.value(WORKLOAD.inboundPort),
    inboundPlain: PROXY_PORTS.inboundPlain,
    tap: reader.value(WORKLOAD.controlPort),
    admin: reader.value(WORKLOAD.adminPort),
  };
  const used = Object.values(ports);
  if (new Set(used).size === used.length) return ports;
  warnings.push(`the port annotations are ignored: ${used.join(', ')} are not all different`);
  return PROXY_PORTS;
}
