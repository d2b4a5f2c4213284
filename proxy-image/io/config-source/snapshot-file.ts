import { WeftError } from '../../contract/errors.ts';
import { errorFields } from '../control/error-fields.ts';
import { readFileIfPresent, writeFileAtomically } from '../control/files.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Timer, TimerOwner, Timers } from '../transport/types.ts';

const FILE = 'snapshot.json';
/** The first change after a quiet time is on disk within a second. */
const SETTLE_MS = 1000;
/** Under churn the whole snapshot is written at most this often: it may be a megabyte. */
const PERIOD_MS = 10_000;

/** Keeps the data plane's state beside the key, for a restarted container of the same pod. */
export class SnapshotFile implements TimerOwner {
  readonly #path: string;
  readonly #timers: Timers;
  readonly #log: Logger;
  readonly #timer: Timer;
  readonly #snapshot: () => string;
  #dirty = false;
  #writtenMs = Number.NEGATIVE_INFINITY;

  constructor(dir: string, snapshot: () => string, timers: Timers, log: Logger) {
    this.#path = `${dir}/${FILE}`;
    this.#snapshot = snapshot;
    this.#timers = timers;
    this.#log = log;
    this.#timer = timers.create(this);
  }

  /** What an earlier container wrote; `null` when there is nothing of use. Content is the reader's to check. */
  load(): unknown {
    try {
      const text = readFileIfPresent(this.#path);
      return text === null ? null : JSON.parse(text);
    } catch (error) {
      this.#report(error);
      return null;
    }
  }

  /** The state has changed. */
  changed(): void {
    if (this.#dirty) return;
    this.#dirty = true;
    const dueMs = this.#writtenMs + PERIOD_MS - this.#timers.nowMs();
    this.#timers.set(this.#timer, Math.max(SETTLE_MS, dueMs));
  }

  onTimer(): void {
    this.flush();
  }

  /** Writes now if anything changed. Failure is logged: serving matters more than keeping. */
  flush(): void {
    if (!this.#dirty) return;
    this.#timers.clear(this.#timer);
    this.#dirty = false;
    this.#writtenMs = this.#timers.nowMs();
    try {
      writeFileAtomically(this.#path, this.#snapshot());
    } catch (error) {
      this.#report(error);
    }
  }

  #report(error: unknown): void {
    const detail = error instanceof Error ? error.message : String(error);
    this.#log.warn('snapshot file', errorFields(new WeftError('WEFT_STATE_FILE', `${this.#path}: ${detail}`, error)));
  }
}
