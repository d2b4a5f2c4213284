import { portInRanges } from '../../../proxy-image/contract/port-ranges.ts';
import { matchesSelector } from '../../scalars/label-selector.ts';
import type { ClusterView } from '../../state/view.ts';
import { type Assessment, conflicted, invalid, ready, waiting } from '../assessment.ts';
import {
  type AuthorizationPolicyModel,
  demandsIdentity,
  policiesOf,
  policiesOfServer,
} from '../authorization/authorization-policy.ts';
import { authorizationsFor } from '../authorization/server-authorization.ts';
import type { PodModel } from '../pod/model.ts';
import { podsOf } from '../pod/queries.ts';
import { routesOfServer } from '../route/queries.ts';
import type { ServerModel } from './model.ts';
import { resolvePorts, serverOn, serversOf } from './selection.ts';

/** Whether a Server applies to some port of some pod. It is overruled when an older one has taken every port that it selects. */
export function assessServer(view: ClusterView, server: ServerModel): Assessment {
  if (server.podSelector === null) {
    return invalid('UnsupportedSelector', 'externalWorkloadSelector is not supported: this Server selects nothing');
  }
  const { namespace } = server.meta;
  const selector = server.podSelector;
  const pods = podsOf(view, namespace).filter((pod) => matchesSelector(selector, pod.meta.labels));
  if (pods.length === 0) return ready('selects no pod at present');
  const selected = pods.flatMap((pod) => resolvePorts(pod, server.port).map((port) => ({ pod, port })));
  if (selected.length === 0) {
    return waiting('PortNotFound', [`none of ${pods.length} pods has a container port named ${server.port}`]);
  }
  const judged = selected.filter(({ pod, port }) => bypassOf(pod, port) === null);
  if (judged.length === 0) return neverJudged(selected);
  const winners = judged.map(({ pod, port }) => winnerOn(view, pod, port));
  const lost = winners.filter((name) => name !== server.meta.name);
  if (lost.length === winners.length) {
    return conflicted(`Server ${namespace}/${lost[0]} is older and selects the same pods and port`);
  }
  const overruled = lost.length === 0 ? '' : `; on ${lost.length} of them Server ${namespace}/${lost[0]} is older`;
  const unjudged = selected.filter((each) => !judged.includes(each));
  const others = unjudged.length === 0 ? '' : `; ${unjudged.length} ${BYPASSES[firstBypass(unjudged)].text}`;
  return ready(
    `applies to ${winners.length - lost.length} of ${selected.length} ports of ${pods.length} pods${overruled}${others}${adminNote(view, server, judged)}`,
  );
}

/** Nobody shows an identity there: what is proven between proxies ends at the mesh port. */
function adminNote(view: ClusterView, server: ServerModel, judged: readonly Selected[]): string {
  if (!judged.some(({ pod, port }) => port === pod.proxyPorts.admin)) return '';
  const byIdentity =
    authorizationsFor(view, server.meta).some(({ client }) => client.type !== 'unauthenticated') ||
    policiesOn(view, server).some(demandsIdentity);
  if (!byIdentity && !server.accessPolicy.endsWith('-authenticated')) return '';
  return '; the admin port is asked in plaintext: authorizations that want TLS or an identity admit nobody there';
}

/** For all of the Server, and for single routes of it. */
function policiesOn(view: ClusterView, { meta }: ServerModel): AuthorizationPolicyModel[] {
  const routes = routesOfServer(view, meta.namespace, meta.name);
  return [
    ...policiesOfServer(view, meta),
    ...routes.flatMap(({ group, kind, meta: { name } }) => policiesOf(view, meta.namespace, { group, kind, name })),
  ];
}

interface Selected {
  pod: PodModel;
  port: number;
}

/** Why traffic to a port is never judged by the pod's proxy, whatever Server selects it. */
type Bypass = 'unmeshed' | 'own' | 'skipped';

const BYPASSES: Readonly<Record<Bypass, { reason: string; text: string }>> = {
  unmeshed: { reason: 'NoProxy', text: 'of pods without a proxy, where nothing is judged' },
  own: {
    reason: 'ProxyPort',
    text: 'of the proxy itself: what arrives there is judged by the port that it is meant for',
  },
  skipped: { reason: 'SkippedPort', text: 'that bypass the proxy (skip-inbound-ports), so that nothing is judged' },
};

function bypassOf({ meshed, proxyPorts, skipInboundPorts }: PodModel, port: number): Bypass | null {
  if (!meshed) return 'unmeshed';
  const { admin, ...passedThrough } = proxyPorts;
  if (port === admin) return null;
  if (Object.values(passedThrough).includes(port)) return 'own';
  return portInRanges(port, skipInboundPorts) ? 'skipped' : null;
}

function firstBypass([first]: readonly Selected[]): Bypass {
  return (first && bypassOf(first.pod, first.port)) ?? 'unmeshed';
}

/** Pods that have no proxy yet may get one when they restart; a port that is never judged needs another Server, or another annotation. */
function neverJudged(selected: readonly Selected[]): Assessment {
  const bypass = firstBypass(selected);
  const { reason, text } = BYPASSES[bypass];
  const message = `selects ${selected.length} ports ${text}`;
  return bypass === 'unmeshed' ? ready(message, reason) : invalid(reason, message);
}

function winnerOn(view: ClusterView, pod: PodModel, port: number): string {
  return serverOn(serversOf(view, pod), pod, port)?.meta.name ?? '';
}
