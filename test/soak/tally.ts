export const KINDS = [
  'http1',
  'http1 chunked',
  'http1 large',
  'http2',
  'grpc unary',
  'grpc stream',
  'websocket',
  'tcp',
] as const;
export type Kind = (typeof KINDS)[number];

export interface Failure {
  atSeconds: number;
  kind: Kind;
  reason: string;
}

/** Failures kept with their reason; of a run that goes wrong altogether the first ones tell. */
const MAX_FAILURES = 1000;

/** What became of the requests. A request is one exchange: on a stream, a message that came back. */
export class Tally {
  readonly succeeded: Record<Kind, number> = emptyCounts();
  readonly failed: Record<Kind, number> = emptyCounts();
  readonly failures: Failure[] = [];
  readonly #startedMs: number = performance.now();
  readonly #tell: (failure: Failure) => void;

  constructor(tell: (failure: Failure) => void) {
    this.#tell = tell;
  }

  ok(kind: Kind): void {
    this.succeeded[kind]++;
  }

  fail(kind: Kind, reason: string): void {
    this.failed[kind]++;
    if (this.failures.length >= MAX_FAILURES) return;
    const atSeconds = Math.round((performance.now() - this.#startedMs) / 1000);
    const failure = { atSeconds, kind, reason };
    this.failures.push(failure);
    this.#tell(failure);
  }

  get total(): number {
    return sum(this.succeeded) + this.failedTotal;
  }

  get failedTotal(): number {
    return sum(this.failed);
  }
}

function emptyCounts(): Record<Kind, number> {
  return Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;
}

function sum(counts: Record<Kind, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
