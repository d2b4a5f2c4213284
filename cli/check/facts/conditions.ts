import { child, listOf, numberOf, textOf } from '../../../crds/parse/metadata.ts';

/** `metav1.Condition`; what is absent is empty. */
export interface Condition {
  type: string;
  /** `True`, `False`, `Unknown`. */
  status: string;
  reason: string;
  message: string;
  observedGeneration: number;
  /** Milliseconds since the epoch; NaN where it is not said. */
  sinceMs: number;
}

/** Those of the status of any object, or of whatever else has `conditions`. */
export function conditionsOf(raw: unknown): Condition[] {
  return conditionsIn(child(raw, 'status'));
}

export function conditionsIn(status: unknown): Condition[] {
  return listOf(status, 'conditions').map((each) => ({
    type: textOf(each, 'type'),
    status: textOf(each, 'status'),
    reason: textOf(each, 'reason'),
    message: textOf(each, 'message'),
    observedGeneration: numberOf(each, 'observedGeneration'),
    sinceMs: Date.parse(textOf(each, 'lastTransitionTime')),
  }));
}

/** `undefined` where the object does not have it. */
export function conditionOf(raw: unknown, type: string): Condition | undefined {
  return conditionsOf(raw).find((each) => each.type === type);
}
