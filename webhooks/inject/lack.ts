import type { NamespaceModel } from '../../crds/kinds/namespace/model.ts';
import type { PodModel } from '../../crds/kinds/pod/model.ts';
import { type Decision, decideOn } from './decide.ts';
import { isInReach, type Reach } from './reach.ts';

/** Pods get so long before their lack counts: what is known of their namespace may be older than what their admission went by. */
export const GRACE_MS = 10_000;

/** Times of Kubernetes have no fraction. */
const SECOND_MS = 1_000;

/** The injector as the API server knows it. */
export interface Injector {
  reach: Reach;
  /** RFC 3339; when its MutatingWebhookConfiguration was last changed. Empty where that is not known. */
  writtenAt: string;
}

/**
 * `missed`: everything that asks for the proxy, and the injector itself, has been as it is since before the pod was made, so the injector was not asked, or failed.
 * `perhaps-older`: some of it was written later. That may have been something else of the same object: whether the pod was there first cannot be told.
 */
export type Cause = 'missed' | 'perhaps-older';

/** A pod that should have a proxy and has none. */
export interface Lack {
  annotationAt: 'workload' | 'namespace';
  cause: Cause;
  /** How long it is too early to say so; 0: it counts. */
  graceLeftMs: number;
}

/** What the injector would decide of a pod if it were made now; `null` where it would not be asked, or where the pod has a proxy of ours, or ends. */
export function decisionNow(pod: PodModel, namespace: NamespaceModel, reach: Reach): Decision | null {
  if (pod.meshed || pod.terminating || pod.phase === 'Succeeded' || pod.phase === 'Failed') return null;
  if (!isInReach(reach, pod.meta.labels, namespace.meta.labels)) return null;
  return decideOn({ annotations: pod.meta.annotations, obstacles: pod.obstacles }, namespace.meta);
}

/** @param nowMs milliseconds since the epoch, by a clock that is about the API server's */
export function lackOf(pod: PodModel, namespace: NamespaceModel, injector: Injector, nowMs: number): Lack | null {
  const decision = decisionNow(pod, namespace, injector.reach);
  if (decision === null || !decision.inject) return null;
  const createdMs = Date.parse(pod.meta.creationTimestamp);
  // What was written within the same second may have come later; the pod itself was written when it was made.
  const isOlder = [injector, namespace].every(({ writtenAt }) => Date.parse(writtenAt) < createdMs);
  const isAsMade = decision.annotationAt === 'namespace' || Date.parse(pod.writtenAt) <= createdMs;
  const leftMs = createdMs + GRACE_MS + SECOND_MS - nowMs;
  return {
    annotationAt: decision.annotationAt,
    cause: isOlder && isAsMade ? 'missed' : 'perhaps-older',
    // A clock that is behind must not put it off for ever.
    graceLeftMs: leftMs > 0 ? Math.min(leftMs, GRACE_MS + SECOND_MS) : 0,
  };
}

const WHEN: Readonly<Record<Cause, string>> = {
  missed: 'was made after that was asked for: the injector was not reached, or failed',
  'perhaps-older': 'may have been made before that was asked for',
};

/** A phrase behind the pod's name. */
export function lackText({ annotationAt, cause }: Lack): string {
  return `has no proxy, which the annotation of its ${annotationAt} asks for; it ${WHEN[cause]}`;
}
