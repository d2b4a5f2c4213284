import { type Clock, sleep } from './runtime/clock.ts';
import type { Component } from './runtime/manager.ts';
import type { ReadinessCheck } from './telemetry/admin.ts';

const NEVER = new AbortController().signal;

/**
 * The end of this replica, as others see it: not ready from the first moment, and at work until the Service leads nobody here any more. The endpoint is withdrawn when the pod is
 * deleted; every node then has to hear of it, which takes a second or two, and until then whoever comes would meet a closed port.
 */
export class Departure {
  readonly check: ReadinessCheck = { name: 'stays', check: () => (this.#sinceMs === null ? null : 'is stopping') };
  readonly #clock: Clock;
  readonly #lameDuckMs: number;
  readonly #begun: () => void;
  #sinceMs: number | null = null;

  /** `begun`: those who keep connections are to let go of them where they can. */
  constructor(clock: Clock, lameDuckMs: number, begun: () => void) {
    this.#clock = clock;
    this.#lameDuckMs = lameDuckMs;
    this.#begun = begun;
  }

  begin(): void {
    if (this.#sinceMs !== null) return;
    this.#sinceMs = this.#clock.nowMs();
    this.#begun();
  }

  /** `component`, which stops when nobody is led here any more. */
  awaitedBy(component: Component): Component {
    return {
      name: component.name,
      start: (signal) => component.start(signal),
      stop: async () => {
        await this.#over();
        await component.stop();
      },
    };
  }

  async #over(): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const leftMs = (this.#sinceMs ?? nowMs) + this.#lameDuckMs - nowMs;
    if (leftMs > 0) await sleep(this.#clock, leftMs, NEVER);
  }
}
