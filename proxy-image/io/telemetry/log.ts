import { LOG_LEVELS, type LogLevel } from '../../contract/log-levels.ts';
import { escapeControls, redacted } from '../../contract/log-text.ts';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Messages are constant, so that lines can be grouped by them; what varies goes into fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** False when a line of this level would be dropped: ask before fields are costly to make. */
  enabled(level: LogLevel): boolean;
  child(fields: LogFields): Logger;
}

/** Longest field, characters: names and addresses fit, and hostile input does not fill a disk. */
const MAX_FIELD_LENGTH = 2048;

/** What a line must not overwrite. */
const RESERVED = new Set(['timestamp', 'level', 'message']);

/** Where lines go, and what is let through. `level` may be changed at any time (`/proxy-log-level`). */
export interface LogSink {
  level: LogLevel;
  /** One line with its newline. */
  write(line: string): void;
  /** Unix time, milliseconds. */
  wallMs(): number;
}

/**
 * One JSON object per line. Control characters, also those that JSON may leave as they are (DEL, C1, line separators), are escaped: fields hold what clients
 * sent, and a terminal must not obey it.
 */
export class JsonLogger implements Logger {
  readonly #sink: LogSink;
  readonly #fields: LogFields;

  constructor(sink: LogSink, fields: LogFields = {}) {
    this.#sink = sink;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields);
  }

  enabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.#sink.level) && this.#sink.level !== 'off';
  }

  child(fields: LogFields): Logger {
    return new JsonLogger(this.#sink, { ...this.#fields, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.enabled(level)) return;
    const line: Record<string, unknown> = {
      timestamp: new Date(this.#sink.wallMs()).toISOString(),
      level,
      message,
    };
    for (const source of [this.#fields, fields ?? {}]) {
      for (const [name, value] of Object.entries(source)) line[RESERVED.has(name) ? `${name}_` : name] = bounded(value);
    }
    this.#sink.write(`${redacted(toSafeJson(line))}\n`);
  }
}

function bounded(value: unknown): unknown {
  return typeof value === 'string' && value.length > MAX_FIELD_LENGTH ? `${value.slice(0, MAX_FIELD_LENGTH)}…` : value;
}

/** JSON in which every control character is an escape. */
export function toSafeJson(value: unknown): string {
  return escapeControls(JSON.stringify(value));
}
