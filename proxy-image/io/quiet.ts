/** How often whoever owns it looks. */
export const LOOK_MS = 20_000;
/** Between two looks: 1 %, some ten requests a second. */
const QUIET_CPU_MS = 200;
/** Since memory was given back last: what it costs to compile everything anew must have been worth it, whatever the traffic. */
const WORTH_CPU_MS = 3_000;

/** What the runtime can say and do. */
export interface Runtime {
  /** CPU time of this process so far. */
  cpuMs(): number;
  /** Collects garbage, and nothing else: about 4 ms for 10 MiB. */
  collect(): void;
  /** Collects garbage, drops compiled code, gives memory back: some ten milliseconds during which nothing else is done. */
  giveBack(): void;
}

/**
 * After traffic, the memory that it took is given back once nothing happens any more: compiled code, and pages between what still lives. The runtime by
 * itself would keep them for ever. Under load only garbage is collected: left to itself, the heap grows to several times what is in use before it is.
 */
export class QuietMoments {
  readonly #runtime: Runtime;
  #lastLookMs: number;
  #givenBackMs: number;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#lastLookMs = runtime.cpuMs();
    this.#givenBackMs = this.#lastLookMs;
  }

  look(): void {
    const nowMs = this.#runtime.cpuMs();
    const isQuiet = nowMs - this.#lastLookMs < QUIET_CPU_MS;
    this.#lastLookMs = nowMs;
    if (!isQuiet) {
      this.#runtime.collect();
      return;
    }
    if (nowMs - this.#givenBackMs < WORTH_CPU_MS) return;
    this.#runtime.giveBack();
    this.#givenBackMs = nowMs;
  }
}
