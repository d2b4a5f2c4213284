import { oneOf, readWrittenAt } from '../../parse/kubernetes-object.ts';
import { child, listOf, numberOf, readMeshMeta, textOf } from '../../parse/metadata.ts';
import type { PodModel } from './model.ts';
import { readObstacles } from './obstacles.ts';
import { readGrpcProbePorts, readHttpProbes } from './probes.ts';
import { readPodProxy } from './proxy.ts';

const PHASES = ['Pending', 'Running', 'Succeeded', 'Failed', 'Unknown'] as const;
const TEMPLATE_HASH_LABEL = 'pod-template-hash';

/** A core/v1 Pod. Never throws. */
export function reducePod(raw: unknown): PodModel {
  const meta = readMeshMeta(raw);
  const spec = child(raw, 'spec');
  const status = child(raw, 'status');
  const containers = longRunningContainers(spec);
  const proxy = readPodProxy(meta.labels, spec, containers);
  return {
    meta,
    ips: readIps(status),
    phase: oneOf(textOf(status, 'phase'), PHASES, 'Pending'),
    terminating: textOf(child(raw, 'metadata'), 'deletionTimestamp') !== '',
    hostNetwork: child(spec, 'hostNetwork') === true,
    serviceAccount: textOf(spec, 'serviceAccountName') || 'default',
    nodeName: textOf(spec, 'nodeName'),
    owner: ownerOf(raw),
    containerPorts: containers.flatMap(readTcpPorts),
    httpProbes: readHttpProbes(containers),
    grpcProbePorts: readGrpcProbePorts(containers),
    obstacles: readObstacles(raw),
    writtenAt: proxy.meshed ? '' : readWrittenAt(raw),
    ...proxy,
  };
}

/** Containers and native sidecars (init containers that restart always); other init containers serve nothing. */
function longRunningContainers(spec: unknown): unknown[] {
  const sidecars = listOf(spec, 'initContainers').filter(
    (container) => textOf(container, 'restartPolicy') === 'Always',
  );
  return [...listOf(spec, 'containers'), ...sidecars];
}

function readIps(status: unknown): string[] {
  const ips = listOf(status, 'podIPs').map((entry) => textOf(entry, 'ip'));
  return (ips.length > 0 ? ips : [textOf(status, 'podIP')]).filter((ip) => ip !== '');
}

function readTcpPorts(container: unknown): PodModel['containerPorts'] {
  return listOf(container, 'ports')
    .filter((port) => (textOf(port, 'protocol') || 'TCP') === 'TCP')
    .map((port) => ({ name: textOf(port, 'name'), port: numberOf(port, 'containerPort') }))
    .filter(({ port }) => port > 0);
}

/**
 * The controlling owner. A ReplicaSet made by a Deployment is named `<deployment>-<pod-template-hash>`; one made by something else (Argo
 * Rollouts labels its pods `rollouts-pod-template-hash`) stays the owner itself, as in Linkerd. Of the pod no more than its metadata is looked at.
 */
export function ownerOf(raw: unknown): PodModel['owner'] {
  const metadata = child(raw, 'metadata');
  const templateHash = textOf(child(metadata, 'labels'), TEMPLATE_HASH_LABEL);
  const owners = listOf(metadata, 'ownerReferences');
  const owner = owners.find((candidate) => child(candidate, 'controller') === true);
  const kind = textOf(owner, 'kind');
  const name = textOf(owner, 'name');
  const suffix = `-${templateHash}`;
  const fromDeployment = kind === 'ReplicaSet' && templateHash !== '' && name.endsWith(suffix);
  return fromDeployment ? { kind: 'Deployment', name: name.slice(0, -suffix.length) } : { kind, name };
}
