import type { ChangeKind } from './changes.ts';
import type { Arrival } from './proxies/protocol.ts';

/** A change from the request that made it to the last proxy; times are `machineMs`. */
export interface Trace {
  kind: ChangeKind;
  keys: readonly string[];
  sentMs: number;
  /** When the bare watch delivered it; `null`: it has not. */
  eventMs: number | null;
  firstMs: number;
  lastMs: number;
  /** Proxies that it has reached. */
  count: number;
  bytes: number;
}

export function beginTrace(kind: ChangeKind, keys: readonly string[], sentMs: number): Trace {
  return { kind, keys, sentMs, eventMs: null, firstMs: Number.POSITIVE_INFINITY, lastMs: 0, count: 0, bytes: 0 };
}

/** What arrives belongs to the last change of its key that was made before. */
export class Traces {
  readonly all: Trace[] = [];
  readonly #byKey = new Map<string, Trace[]>();
  /** Arrivals of what the harness has not changed. */
  strays = 0;

  add(trace: Trace): void {
    this.all.push(trace);
    for (const key of trace.keys) {
      const of = this.#byKey.get(key) ?? [];
      of.push(trace);
      this.#byKey.set(key, of);
    }
  }

  arrived({ key, firstMs, lastMs, count, bytes }: Arrival): void {
    const trace = this.#byKey.get(key)?.findLast(({ sentMs }) => sentMs <= firstMs);
    if (trace === undefined) {
      this.strays += count;
      return;
    }
    trace.firstMs = Math.min(trace.firstMs, firstMs);
    trace.lastMs = Math.max(trace.lastMs, lastMs);
    trace.count += count;
    trace.bytes += bytes;
  }
}
