export const ROTATION_PHASES = ['Trusting', 'Issuing', 'Renewing', 'Retiring', 'Done'] as const;
export type RotationPhase = (typeof ROTATION_PHASES)[number];

/** Where a rotation is, as status and command tell of it. */
export interface RotationProgress {
  phase: RotationPhase;
  /** Since when it has been in this phase, milliseconds since the epoch; 0: nothing was ever asked for. */
  sinceMs: number;
  /** Proxies that have what the phase is about; `null` where it is not about proxies, or their number is not known. */
  holding: { have: number; of: number } | null;
  /** What is waited for, for people; empty where nothing is. */
  waits: string;
}

export interface RotationState extends RotationProgress {
  /** The values that were carried out last, by the fields that asked for it; empty: none. */
  done: Readonly<Record<'anchor' | 'issuer' | 'leaf', string>>;
}
