import { NAMESPACE } from '../crds/kinds/namespace/model.ts';
import type { PodModel } from '../crds/kinds/pod/model.ts';
import { podsOf } from '../crds/kinds/pod/queries.ts';
import type { ClusterView } from '../crds/state/view.ts';
import { isObject } from '../lib/json.ts';
import type { MeshTrust } from './pki/mesh-trust.ts';
import type { AbsentPod, ProxiesHold } from './pki/rotation.ts';
import type { TrustHeld } from './serve/types.ts';
import type { ReplicaHandler } from './viz/api/dispatcher.ts';
import type { AskReplicas } from './viz/api/replica-client.ts';

/** What the proxies that are connected to one replica have, of the trust that this replica publishes. */
export interface ReplicaHolds extends TrustHeld {
  /** Names that trust (`Trust.generation`). */
  generation: string;
}

/** Path by which replicas ask one another. */
export const TRUST_HELD_PATH = '/replica/trust';

export interface ProxiesHoldOptions {
  trust: Pick<MeshTrust, 'current' | 'generation'>;
  sessions: { trustHeld(anchorsPem: string): TrustHeld };
  view: ClusterView;
}

/** Of this replica alone. */
export function ownHolds({ trust, sessions }: ProxiesHoldOptions): ReplicaHolds {
  return { generation: trust.generation, ...sessions.trustHeld(trust.current?.anchorsPem ?? '') };
}

export function trustHeldPath(options: ProxiesHoldOptions): Readonly<Record<string, ReplicaHandler>> {
  return { [TRUST_HELD_PATH]: async () => ownHolds(options) };
}

/** Of all replicas; `null` where one does not answer, or publishes another trust (still, or already). */
export async function allHold(
  options: ProxiesHoldOptions,
  ask: AskReplicas,
  generation: string,
): Promise<ProxiesHold | null> {
  const { answers, missing } = await ask(TRUST_HELD_PATH, {}, new AbortController().signal);
  const all = [ownHolds(options), ...answers.filter(isHolds)];
  const isComplete = missing.length === 0 && all.length === answers.length + 1;
  if (!isComplete || all.some((one) => one.generation !== generation)) return null;
  const connected = new Set(all.flatMap(({ names }) => names));
  const sum = (what: 'connected' | 'anchors' | 'leaves') => all.reduce((total, one) => total + one[what], 0);
  const absent = expected(options.view).filter(({ name }) => !connected.has(name));
  return { connected: sum('connected'), anchors: sum('anchors'), leaves: sum('leaves'), absent };
}

/** Pods whose proxy may have a certificate. */
function expected(view: ClusterView): AbsentPod[] {
  const pods = view.list(NAMESPACE, '').flatMap(({ meta }) => podsOf(view, meta.name));
  return pods.filter(mayHaveCertificate).map(({ meta: { namespace, name, creationTimestamp } }) => {
    // Without a date it is as old as can be: it is waited for.
    return { name: `${namespace}/${name}`, createdMs: Date.parse(creationTimestamp) || 0 };
  });
}

/** One without an address has not begun; of one that has ended nothing runs. */
function mayHaveCertificate({ meshed, phase, ips }: PodModel): boolean {
  return meshed && phase !== 'Succeeded' && phase !== 'Failed' && ips.length > 0;
}

/** Another replica is this program, or one of another release that knows nothing of this. */
function isHolds(value: unknown): value is ReplicaHolds {
  if (!isObject(value) || typeof value['generation'] !== 'string' || !Array.isArray(value['names'])) return false;
  return ['connected', 'anchors', 'leaves'].every((key) => Number.isInteger(value[key]));
}
