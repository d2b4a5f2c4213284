import { type AccessPolicy, isAccessPolicy, UNREADABLE_POLICY } from '../../proxy-image/contract/access-policy.ts';
import { EVERY_PORT, mergeRanges, type PortRange } from '../../proxy-image/contract/port-ranges.ts';
import type { MeshModel } from '../kinds/mesh/model.ts';
import type { NamespaceModel } from '../kinds/namespace/model.ts';
import type { PodModel } from '../kinds/pod/model.ts';
import { isPortName } from '../scalars/port.ts';
import { portNames, readPortList } from '../scalars/port-list.ts';
import { quote } from '../scalars/scalar.ts';
import type { ObjectMeta } from '../types/object-meta.ts';

export const OPAQUE_PORTS_ANNOTATION = 'config.linkerd.io/opaque-ports';
export const DEFAULT_POLICY_ANNOTATION = 'config.linkerd.io/default-inbound-policy';
export const REQUIRE_IDENTITY_ANNOTATION = 'config.linkerd.io/proxy-require-identity-inbound-ports';

/** The annotation of one object, where it has it. */
export function own(meta: ObjectMeta, name: string): string | undefined {
  return Object.hasOwn(meta.annotations, name) ? meta.annotations[name] : undefined;
}

/**
 * Default inbound policy of a pod: its own annotation, else its namespace's, else the Mesh's. An empty annotation counts as none; one that names no
 * policy denies, because what stands behind it may be laxer than what was meant.
 */
export function defaultPolicyOf(pod: PodModel, namespace: NamespaceModel | null, mesh: MeshModel): AccessPolicy {
  const written = [pod.meta, namespace?.meta].map((meta) => meta && own(meta, DEFAULT_POLICY_ANNOTATION));
  const text = written.find((value) => value !== undefined && value !== '') ?? mesh.proxy.defaultInboundPolicy;
  return isAccessPolicy(text) ? text : UNREADABLE_POLICY;
}

/** Inbound ports of a pod that demand a client identity (`proxy-require-identity-inbound-ports` of the pod, else of its namespace). An empty annotation counts as none. */
export function identityPortsOf(pod: PodModel, namespace: NamespaceModel | null): PortRange[] {
  const written = [pod.meta, namespace?.meta].map((meta) => meta && own(meta, REQUIRE_IDENTITY_ANNOTATION));
  return readIdentityPorts(written.find((text) => text !== undefined && text !== '') ?? '', pod.containerPorts);
}

/**
 * Ports, ranges, and names of the pod's container ports; a name that the pod does not have names nothing. What can be read as neither may have been
 * any port: then every port demands an identity.
 */
export function readIdentityPorts(text: string, containerPorts: PodModel['containerPorts']): PortRange[] {
  if (identityPortsProblem(text) !== '') return [[...EVERY_PORT]];
  return mergeRanges(readPortList(text, portNames(containerPorts)).ranges);
}

/** Why such a list closes every port; empty where it can be read. */
export function identityPortsProblem(text: string): string {
  const { problem, leftOut } = readPortList(text);
  if (leftOut.length === 0) return problem;
  const unreadable = leftOut.find((entry) => !isPortName(entry));
  return unreadable === undefined ? '' : `must have ports, ranges and names, not ${quote(unreadable)}`;
}
