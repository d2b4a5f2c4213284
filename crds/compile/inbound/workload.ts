import {
  type AccessPolicy,
  defaultPolicy,
  undeclaredPorts,
  withIdentity,
} from '../../../proxy-image/contract/access-policy.ts';
import { FOR_OLDER_PROXIES } from '../../../proxy-image/contract/older-proxies.ts';
import { countPorts, type PortRange, portInRanges } from '../../../proxy-image/contract/port-ranges.ts';
import type { PortPolicy, WorkloadResource, WorkloadSettings } from '../../../proxy-image/contract/resources.ts';
import { readerOfPod } from '../../annotations/of-pod.ts';
import { DISABLE_TAP, WORKLOAD } from '../../annotations/workload.ts';
import type { MeshModel } from '../../kinds/mesh/model.ts';
import { meshOf } from '../../kinds/mesh/queries.ts';
import { namespaceOf } from '../../kinds/namespace/queries.ts';
import type { PodModel } from '../../kinds/pod/model.ts';
import { podOf } from '../../kinds/pod/queries.ts';
import type { ServerModel } from '../../kinds/server/model.ts';
import { resolvePorts, serverOn, serversOf } from '../../kinds/server/selection.ts';
import type { ClusterView } from '../../state/view.ts';
import { OpaquePorts } from '../shared/opaque-ports.ts';
import { inboundProtocol } from '../shared/port-protocol.ts';
import type { Unsourced } from '../shared/unsourced.ts';
import { inboundProfiles, type PortProfile } from './profile.ts';
import { serverPolicy } from './server.ts';

/** Everything about one pod that the policies of its ports are made from. */
interface Inbound {
  view: ClusterView;
  mesh: MeshModel;
  pod: PodModel;
  servers: readonly ServerModel[];
  defaultPolicy: AccessPolicy;
  opaquePorts: PortRange[];
  identityPorts: PortRange[];
  tapDisabled: boolean;
  profiles: ReadonlyMap<number, PortProfile>;
}

/**
 * So many ports that demand an identity are written out one by one, so that proxies which know no ranges are right about them and about all others.
 * More of them become ranges: such proxies then demand an identity on every port that is not declared.
 */
const MAX_LISTED_PORTS = 1_024;

/** The policies of a pod's own ports; `null` while the pod is not known. */
export function compileWorkload(
  view: ClusterView,
  namespace: string,
  podName: string,
): Unsourced<WorkloadResource> | null {
  const pod = podOf(view, namespace, podName);
  if (pod === null) return null;
  const inbound = readInbound(view, pod);
  const { identityPorts, defaultPolicy: policy } = inbound;
  const listed = countPorts(identityPorts) <= MAX_LISTED_PORTS ? identityPorts.flatMap(expand) : [];
  const ports = knownPorts(inbound, listed).map((port) => [String(port), portPolicy(inbound, port)] as const);
  return {
    namespace,
    pod: podName,
    ports: Object.fromEntries(ports),
    ...undeclaredPorts(policy, inbound.mesh.clusterNetworks, listed.length > 0 ? [] : identityPorts),
    opaquePorts: inbound.opaquePorts,
    settings: settingsOf(inbound),
  };
}

function readInbound(view: ClusterView, pod: PodModel): Inbound {
  const mesh = meshOf(view);
  const annotations = readerOfPod(pod, namespaceOf(view, pod.meta.namespace)?.meta.annotations ?? {}, mesh);
  return {
    view,
    mesh,
    pod,
    servers: serversOf(view, pod),
    defaultPolicy: annotations.value(WORKLOAD.defaultInboundPolicy),
    opaquePorts: new OpaquePorts(view).ofPod(pod),
    identityPorts: annotations.value(WORKLOAD.requireIdentityPorts),
    tapDisabled: annotations.value(DISABLE_TAP),
    profiles: inboundProfiles(view, mesh, pod),
  };
}

function knownPorts({ pod, servers }: Inbound, listed: readonly number[]): number[] {
  const ports = new Set<number>([
    ...pod.containerPorts.map(({ port }) => port),
    ...pod.httpProbes.map(({ port }) => port),
    ...pod.grpcProbePorts,
    ...servers.flatMap((server) => resolvePorts(pod, server.port)),
    ...listed,
  ]);
  // Mesh traffic on this port carries its target port in the transport header; the policy of that one applies.
  ports.delete(pod.proxyPorts.inboundMesh);
  return [...ports].sort((a, b) => a - b);
}

function expand([first, last]: PortRange): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

function portPolicy(inbound: Inbound, port: number): PortPolicy {
  const server = serverOn(inbound.servers, inbound.pod, port);
  const policy = defaultPolicyOn(inbound, port);
  return {
    ...policy,
    ...(server === null ? {} : serverPolicy(inbound.view, inbound.mesh, server)),
    protocol: inboundProtocol(port, server, inbound.opaquePorts),
    probePaths: probePaths(inbound.pod, port),
    grpcProbe: inbound.pod.grpcProbePorts.includes(port),
    profile: inbound.profiles.get(port) ?? null,
  };
}

function defaultPolicyOn(inbound: Inbound, port: number): PortPolicy {
  const identified = portInRanges(port, inbound.identityPorts);
  const policy = identified ? withIdentity(inbound.defaultPolicy) : inbound.defaultPolicy;
  return defaultPolicy(policy, inbound.mesh.clusterNetworks);
}

function probePaths(pod: PodModel, port: number): string[] {
  const targets = pod.httpProbes.filter((probe) => probe.port === port).map(({ target }) => target);
  return [...new Set(targets)].sort();
}

function settingsOf({ mesh, tapDisabled }: Inbound): WorkloadSettings {
  return {
    detectTimeoutMs: mesh.proxy.detectTimeoutMs,
    requireIdentity: mesh.identity.required,
    tapRedacts: tapDisabled ? null : mesh.tap.redactHeaders,
    ...FOR_OLDER_PROXIES.settings(mesh.clusterNetworks),
  };
}
