/**
 * What must have happened before the proxy is ready. Each latch opens once and stays open: losing the operator later does not make a proxy unready
 * (linkerd2-proxy: readiness latches), since an outage of the control plane must not become one of the cluster. Only draining does.
 */
export class Readiness {
  readonly #waiting: Set<string>;
  #draining = false;

  /** `latches`: names, such as `identity`, `listeners`, `configuration`. */
  constructor(latches: readonly string[]) {
    this.#waiting = new Set(latches);
  }

  release(latch: string): void {
    this.#waiting.delete(latch);
  }

  /** From SIGTERM on: no new connections should come this way. */
  drain(): void {
    this.#draining = true;
  }

  get ready(): boolean {
    return !this.#draining && this.#waiting.size === 0;
  }

  /** What is missing, for people. */
  get reason(): string {
    if (this.#draining) return 'draining';
    return this.#waiting.size === 0 ? 'ready' : `waiting for ${[...this.#waiting].join(', ')}`;
  }
}
