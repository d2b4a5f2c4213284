import type { Facts } from './facts.ts';
import type { ReadName } from './reads.ts';

/** One thing that is not as it should be. */
export interface Finding {
  /** As people call it: `pod/web-1 in shop`. */
  object: string;
  /** Empty for what is of the cluster. */
  namespace: string;
  /** What is wrong with it, a phrase behind the object's name. */
  reason: string;
  /** The command that mends it, or shows what to mend. */
  remedy: string;
}

/** One kind of fault, and how it is found. */
export interface Check {
  /** Names the kind of fault for ever: `docs/checks/<code>.md` says what it means. */
  code: string;
  /** What holds where nothing is found, as a line of the output. */
  description: string;
  /** A warning does not make the command fail. */
  severity: 'error' | 'warning';
  /** Without these nothing can be said; that they could not be read is said instead. */
  needs: readonly ReadName[];
  /** What it finds makes all that would follow meaningless. */
  isFatal?: true;
  /** Pure. */
  run(facts: Facts): readonly Finding[];
}

/** Checks under one heading. */
export interface Category {
  /** As Linkerd calls it, where Linkerd has it. */
  name: string;
  /** Whether it is about what users run: `-n` then narrows it to one namespace. */
  isOfWorkloads?: true;
  checks: readonly Check[];
}
