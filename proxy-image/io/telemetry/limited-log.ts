import type { LogLevel } from '../../contract/log-levels.ts';
import type { LogFields, Logger } from './log.ts';

/** So many lines of one kind at once: somebody who looks into a mistake sees each of his attempts. */
const BURST = 10;
/** Then one in this time: a kind of line for each reason, all of them together a few a second. */
const EVERY_MS = 10_000;
/** Kinds that are told apart. Messages and reasons are constant texts, but some reasons are the runtime's own words. */
const MAX_KINDS = 256;
const OTHER = 'other';

/** Lines of one message and reason. */
interface Kind {
  left: number;
  sinceMs: number;
  suppressed: number;
}

/**
 * What clients cause must not fill a disk: of each message, told apart by its field `reason`, only so many lines are written; the next one says in `suppressed` how
 * many were not. Lines of level `debug` are for whoever asked for all of them.
 */
export class LimitedLog implements Logger {
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #kinds: Map<string, Map<string, Kind>>;

  /** `nowMs` is monotonic. */
  constructor(log: Logger, nowMs: () => number, kinds: Map<string, Map<string, Kind>> = new Map()) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#kinds = kinds;
  }

  enabled(level: LogLevel): boolean {
    return this.#log.enabled(level);
  }

  child(fields: LogFields): Logger {
    return new LimitedLog(this.#log.child(fields), this.#nowMs, this.#kinds);
  }

  debug(message: string, fields?: LogFields): void {
    this.#log.debug(message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#limit('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#limit('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#limit('error', message, fields);
  }

  #limit(level: 'info' | 'warn' | 'error', message: string, fields: LogFields | undefined): void {
    if (!this.#log.enabled(level)) return;
    const kind = this.#kindOf(message, fields?.['reason']);
    const nowMs = this.#nowMs();
    const earned = Math.floor((nowMs - kind.sinceMs) / EVERY_MS);
    if (earned > 0) {
      kind.left = Math.min(BURST, kind.left + earned);
      kind.sinceMs = kind.left === BURST ? nowMs : kind.sinceMs + earned * EVERY_MS;
    }
    if (kind.left === 0) {
      kind.suppressed++;
      return;
    }
    if (kind.left-- === BURST) kind.sinceMs = nowMs;
    const { suppressed } = kind;
    kind.suppressed = 0;
    this.#log[level](message, suppressed === 0 ? fields : { ...fields, suppressed });
  }

  #kindOf(message: string, reason: unknown): Kind {
    let reasons = this.#kinds.get(message);
    if (reasons === undefined) {
      reasons = new Map();
      this.#kinds.set(message, reasons);
    }
    let name = typeof reason === 'string' ? reason : '';
    if (!reasons.has(name) && reasons.size >= MAX_KINDS) name = OTHER;
    let kind = reasons.get(name);
    if (kind === undefined) {
      kind = { left: BURST, sinceMs: this.#nowMs(), suppressed: 0 };
      reasons.set(name, kind);
    }
    return kind;
  }
}
