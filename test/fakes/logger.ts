import type { Log } from '../../operator/runtime/log.ts';
import type { LogLevel } from '../../proxy-image/contract/log-levels.ts';
import type { Logger } from '../../proxy-image/io/telemetry/log.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface LogLine {
  level: LogLevel;
  message: string;
  fields: Fields;
}

/** The log of a proxy or of an operator: keeps every line. */
export class MemoryLogger implements Logger, Log {
  readonly lines: LogLine[] = [];

  debug(message: string, fields: Fields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }
  info(message: string, fields: Fields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }
  warn(message: string, fields: Fields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }
  error(message: string, fields: Fields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }
  enabled(): boolean {
    return true;
  }
  child(): this {
    return this;
  }

  messages(level: LogLevel): string[] {
    return this.lines.filter((line) => line.level === level).map(({ message }) => message);
  }

  /** Error codes in the order in which they were logged. */
  get codes(): string[] {
    return this.lines.flatMap(({ fields }) => (typeof fields['code'] === 'string' ? [fields['code']] : []));
  }
}
