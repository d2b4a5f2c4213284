import { Gauge, type Registry } from 'prom-client';

/** Where a rotation is. */
export interface RotationSeen {
  phase: string;
  /** Proxies that have what the phase is about; `null` where that is not known, or it is not about proxies. */
  holding: { have: number; of: number } | null;
}

/** `state`: of the rotation as the leader knows it; `null` for everybody else, and before anything is known. */
export function rotationMetrics(registry: Registry, phases: readonly string[], state: () => RotationSeen | null): void {
  const registers = [registry];
  new Gauge({
    name: 'weft_identity_rotation_phase',
    help: 'The phase of the rotation of certificates: 1 for the present one. Of the leader alone.',
    labelNames: ['phase'],
    registers,
    collect() {
      this.reset();
      const present = state();
      if (present === null) return;
      for (const phase of phases) this.set({ phase }, present.phase === phase ? 1 : 0);
    },
  });
  // Without labels a gauge is 0 by itself: nobody would know from nobody missing.
  new Gauge({
    name: 'weft_identity_rotation_proxies',
    help: 'Connected proxies that have what the phase is about, and that have not. Of the leader alone, while that is known.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      const holding = state()?.holding ?? null;
      if (holding === null) return;
      this.set({ state: 'done' }, holding.have);
      this.set({ state: 'waited_for' }, holding.of - holding.have);
    },
  });
}
