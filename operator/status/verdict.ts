import { condition, type WantedCondition } from './condition.ts';

/**
 * What a look at one object came to. `reason` and `message` go into its conditions; every outcome but `progressing` and `failed` means that
 * the object's present generation has been dealt with.
 */
export type Verdict =
  | { outcome: 'progressing' }
  | { outcome: 'ready'; message: string }
  /** Something is missing that is likely to come. */
  | { outcome: 'waiting'; message: string }
  /** A person must edit the object. */
  | { outcome: 'invalid'; reason: string; message: string }
  /** Another object overrules it. */
  | { outcome: 'conflicted'; message: string }
  /** Our own failure; it will be tried again. */
  | { outcome: 'failed'; reason: string; message: string };

/** `Ready`, and `Reconciling` or `Stalled` only while true (kstatus' abnormal-true conditions, `fluxcd/pkg/apis/meta`). */
export function readiness(verdict: Verdict): WantedCondition[] {
  switch (verdict.outcome) {
    case 'progressing':
      return reconciling('Unknown', 'Progressing', 'Progressing', 'the object has not been looked at yet');
    case 'ready':
      return [condition('Ready', 'True', 'Succeeded', verdict.message)];
    case 'waiting':
      return reconciling('False', 'DependencyNotReady', 'ProgressingWithRetry', verdict.message);
    case 'invalid':
      return stalled(verdict.reason, verdict.message);
    case 'conflicted':
      return stalled('Conflicted', verdict.message);
    case 'failed':
      return reconciling('False', verdict.reason, 'ProgressingWithRetry', verdict.message);
  }
}

/** The generation that the status may claim to describe: only a finished look moves it. */
export function observedGeneration(verdict: Verdict, generation: number, present: number): number {
  return verdict.outcome === 'progressing' || verdict.outcome === 'failed' ? present : generation;
}

function reconciling(
  ready: 'False' | 'Unknown',
  readyReason: string,
  reason: string,
  message: string,
): WantedCondition[] {
  return [condition('Ready', ready, readyReason, message), condition('Reconciling', 'True', reason, message)];
}

function stalled(reason: string, message: string): WantedCondition[] {
  return [condition('Ready', 'False', reason, message), condition('Stalled', 'True', reason, message)];
}
