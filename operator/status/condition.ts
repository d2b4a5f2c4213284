import type { Finding } from '../../crds/kinds/assessment.ts';

/** `metav1.Condition`. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /** CamelCase. */
  reason: string;
  message: string;
  /** RFC 3339, seconds; moves only with `status`. */
  lastTransitionTime: string;
  observedGeneration: number;
}

/** A condition before it is held against the one in the object. */
export type WantedCondition = Pick<Condition, 'type' | 'status' | 'reason' | 'message'> & {
  /** Of one that stays as it is because nothing is known of the present generation yet; not given: that of the object. */
  observedGeneration?: number;
};

/** The status of our kinds as far as they share it; kinds add fields of their own. */
export interface ObjectStatus {
  observedGeneration: number;
  conditions: Condition[];
}

/** Limit of `metav1.Condition.message`. */
const MESSAGE_MAX = 32_768;

export function condition(type: string, status: Condition['status'], reason: string, message: string): WantedCondition {
  return { type, status, reason, message: message.slice(0, MESSAGE_MAX) };
}

/** What an assessment has found, as the condition that says it. */
export function findingCondition(type: string, { ok, reason, message }: Finding): WantedCondition {
  return condition(type, ok ? 'True' : 'False', reason, message);
}

/**
 * Wanted conditions as they are to be written: a transition time is carried over while the status stays the same.
 * `now` in milliseconds since the epoch.
 */
export function stampConditions(
  wanted: readonly WantedCondition[],
  present: readonly Condition[],
  generation: number,
  nowMs: number,
): Condition[] {
  return wanted.map((each) => {
    const before = present.find(({ type }) => type === each.type);
    const lastTransitionTime = before?.status === each.status ? before.lastTransitionTime : toSeconds(nowMs);
    const { type, status, reason, message, observedGeneration = generation } = each;
    return {
      type,
      status,
      reason,
      message,
      lastTransitionTime,
      observedGeneration: Math.min(observedGeneration, generation),
    };
  });
}

/** `metav1.Time` has no fraction. */
export function toSeconds(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Reads conditions from a raw status: what is not one is left out. Somebody else may have written there. */
export function readConditions(raw: unknown): Condition[] {
  if (typeof raw !== 'object' || raw === null || !('conditions' in raw) || !Array.isArray(raw.conditions)) return [];
  return raw.conditions
    .filter(isCondition)
    .map((each) => ({ ...each, observedGeneration: each.observedGeneration ?? 0 }));
}

function isCondition(value: unknown): value is Condition {
  if (typeof value !== 'object' || value === null) return false;
  const texts = ['type', 'status', 'reason', 'message', 'lastTransitionTime'];
  return texts.every((name) => typeof (value as Record<string, unknown>)[name] === 'string');
}
