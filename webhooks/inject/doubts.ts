import { INJECT } from '../../crds/annotations/workload.ts';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { child, listOf, numberOf, textOf } from '../../crds/parse/metadata.ts';
import { isDnsLabel } from '../../crds/scalars/name.ts';
import { quote } from '../../crds/scalars/scalar.ts';
import type { Decision } from './decide.ts';
import type { ProxySettings } from './settings.ts';
import { SKIP_TEXT } from './skip-reason.ts';

/** Somebody asked for a proxy and does not get one, or wrote something that is neither yes nor no. Our own proxy in the pod is no news. */
export function skipWarnings(decision: Decision, pod: PodModel): string[] {
  if (decision.inject) return [];
  const told = decision.reasons.filter((reason) => {
    if (reason.startsWith('invalid_')) return true;
    return decision.requested && !(reason === 'sidecar_already_exists' && pod.meshed);
  });
  return told.map((reason) => `not injected: ${SKIP_TEXT[reason]}`);
}

/** Of Kubernetes, where a pod names none. */
const DEFAULT_PERIOD_SECONDS = 30;

/** Something that is legal; `type` says what it is about. */
export interface Doubt {
  type: 'mode' | 'account' | 'dns' | 'port' | 'skipped' | 'grace' | 'bypass';
  /** For people, with everything that it is about but the pod. */
  text: string;
}

/**
 * What is legal and yet not what people may think: unsupported modes, accounts without identity, a name that nobody resolves, ports that are taken, containers
 * that can leave the mesh.
 */
export function doubts(
  raw: unknown,
  pod: PodModel,
  mode: 'enabled' | 'ingress',
  settings: ProxySettings,
  ofMesh: MeshModel['proxy'],
): Doubt[] {
  const found: Doubt[] = [];
  const add = (type: Doubt['type'], ...texts: string[]) => found.push(...texts.map((text) => ({ type, text })));
  if (mode === 'ingress') {
    add('mode', `annotation ${INJECT.names[0]}: ingress is not supported yet; the proxy is injected as with enabled`);
  }
  if (!isDnsLabel(pod.serviceAccount)) {
    add('account', `ServiceAccount ${quote(pod.serviceAccount)} gets no identity: its name must be one DNS label`);
  }
  const spec = child(raw, 'spec');
  if (textOf(spec, 'dnsPolicy') === 'Default') {
    add(
      'dns',
      'dnsPolicy: Default asks the name servers of the node, which do not know the Service of the operator: the proxy will not become ready',
    );
  }
  add('port', ...takenPorts(spec, settings.ports));
  add('skipped', ...skippedTraffic(settings, ofMesh));
  const periodSeconds = child(spec, 'terminationGracePeriodSeconds') ?? DEFAULT_PERIOD_SECONDS;
  const waitSeconds = settings.nativeSidecar ? 0 : settings.waitBeforeExitMs / 1_000;
  if (typeof periodSeconds === 'number' && waitSeconds > 0 && waitSeconds >= periodSeconds) {
    add(
      'grace',
      `the proxy waits ${waitSeconds} s before it ends, but is killed after ${periodSeconds} s (terminationGracePeriodSeconds)`,
    );
  }
  const podUser = numberOf(child(spec, 'securityContext'), 'runAsUser');
  for (const container of [...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')]) {
    const reason = bypassOf(container, podUser, settings.uid);
    if (reason === '') continue;
    add('bypass', `container ${quote(textOf(container, 'name'))} can bypass the proxy: it ${reason}`);
  }
  return found;
}

/** What a workload or its namespace leaves out by annotation. Lists of the Mesh are the decision of who runs it, and no news. */
function skippedTraffic(settings: ProxySettings, ofMesh: MeshModel['proxy']): string[] {
  const left: [what: string, chosen: string, usual: string, means: string][] = [
    ['inbound ports', settings.skipInboundPorts, ofMesh.skipInboundPorts, 'no identity, no encryption, no policy'],
    ['inbound connections from', settings.skipSubnets, ofMesh.skipSubnets, 'no identity, no encryption, no policy'],
    ['outbound ports', settings.skipOutboundPorts, ofMesh.skipOutboundPorts, 'no identity, no encryption'],
  ];
  return left
    .filter(([, chosen, usual]) => chosen !== '' && chosen !== usual)
    .map(([what, chosen, , means]) => `${what} ${quote(chosen)} bypass the proxy: ${means}`);
}

/** Two processes of one pod cannot listen on one port: whoever comes later fails, in a way that does not name the other. */
function takenPorts(spec: unknown, ports: ProxySettings['ports']): string[] {
  const own = new Set(Object.values(ports));
  return listOf(spec, 'containers').flatMap((container) =>
    listOf(container, 'ports')
      .filter((port) => (textOf(port, 'protocol') || 'TCP') === 'TCP')
      .map((port) => numberOf(port, 'containerPort'))
      .filter((port) => own.has(port))
      .map((port) => `container ${quote(textOf(container, 'name'))} has the port ${port}, on which the proxy listens`),
  );
}

/** Such containers are outside the mesh's boundary, which is documented; here it is only said. */
function bypassOf(container: unknown, podUser: number, proxyUser: number): string {
  const security = child(container, 'securityContext');
  const user = numberOf(security, 'runAsUser') || podUser;
  if (user === proxyUser) return `runs as user ${proxyUser}, which is the proxy's`;
  if (child(security, 'privileged') === true) return 'is privileged';
  const added = listOf(child(security, 'capabilities'), 'add');
  return added.some((name) => name === 'NET_ADMIN' || name === 'ALL') ? 'has the capability NET_ADMIN' : '';
}
