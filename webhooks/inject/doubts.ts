import { child, listOf, numberOf, textOf } from '../../crds/parse/metadata.ts';
import { isDnsLabel } from '../../crds/scalars/name.ts';
import { quote } from '../../crds/scalars/scalar.ts';
import type { PodModel } from '../../crds/types/kubernetes.ts';
import type { Problem } from '../../crds/types/problem.ts';
import { type Decision, INJECT_ANNOTATION, SKIP_TEXT } from './decide.ts';
import { RESERVED_VOLUMES } from './volumes.ts';

/** A volume of our name would be two of one name, or the proxy's key in a place that somebody else chose. */
export function reservedNames(pod: unknown): Problem[] {
  return listOf(child(pod, 'spec'), 'volumes').flatMap((volume, index) => {
    const name = textOf(volume, 'name');
    const path = `spec.volumes[${index}].name`;
    const message = `must not be ${quote(name)}: the name belongs to the proxy, which is not in this pod`;
    return RESERVED_VOLUMES.includes(name) ? [{ severity: 'error' as const, path, message }] : [];
  });
}

/** Somebody asked for a proxy and does not get one, or wrote something that is neither yes nor no. Our own proxy in the pod is no news. */
export function skipWarnings(decision: Decision, pod: PodModel): string[] {
  if (decision.inject) return [];
  const told = decision.reasons.filter((reason) => {
    if (reason.startsWith('invalid_')) return true;
    return decision.requested && !(reason === 'sidecar_already_exists' && pod.meshed);
  });
  return told.map((reason) => `not injected: ${SKIP_TEXT[reason]}`);
}

/** What is legal and yet not what people may think: unsupported modes, accounts without identity, containers that can leave the mesh. */
export function doubts(raw: unknown, pod: PodModel, mode: 'enabled' | 'ingress', proxyUser: number): string[] {
  const warnings: string[] = [];
  if (mode === 'ingress') {
    warnings.push(
      `annotation ${INJECT_ANNOTATION}: ingress is not supported yet; the proxy is injected as with enabled`,
    );
  }
  if (!isDnsLabel(pod.serviceAccount)) {
    warnings.push(`ServiceAccount ${quote(pod.serviceAccount)} gets no identity: its name must be one DNS label`);
  }
  const spec = child(raw, 'spec');
  const podUser = numberOf(child(spec, 'securityContext'), 'runAsUser');
  for (const container of [...listOf(spec, 'containers'), ...listOf(spec, 'initContainers')]) {
    const reason = bypassOf(container, podUser, proxyUser);
    if (reason === '') continue;
    warnings.push(`container ${quote(textOf(container, 'name'))} can bypass the proxy: it ${reason}`);
  }
  return warnings;
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
