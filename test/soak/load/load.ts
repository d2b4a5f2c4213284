import type { Tally } from '../tally.ts';

/** One kind of traffic: starts on construction, ends in order with `stop`. */
export interface Load {
  stop(): Promise<void>;
}

export interface Target {
  host: string;
  port: number;
}

/** Where the client's proxy listens for each Service. */
export interface Targets {
  http: Target;
  http2: Target;
  grpc: Target;
  tcp: Target;
}

export interface LoadContext {
  targets: Targets;
  tally: Tally;
}

/** Longest time that a request may take: far above what a busy machine needs, so that reaching it means that something hangs. */
export const REQUEST_TIMEOUT_MS = 30_000;

/** Calls `act` every `periodMs` until stopped; `stop` waits for what is under way. */
export class Repeating implements Load {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #running = new Set<Promise<void>>();

  constructor(periodMs: number, act: () => Promise<void>) {
    this.#timer = setInterval(() => {
      const run = act().finally(() => this.#running.delete(run));
      this.#running.add(run);
    }, periodMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return code === undefined ? error.message : `${error.message} (${String(code)})`;
}
