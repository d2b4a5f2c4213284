import type { LogFields, Logger, LogLevel } from '../../proxy-image/io/telemetry/log.ts';

export interface LogLine {
  level: LogLevel;
  message: string;
  fields: LogFields;
}

/** Keeps every line. */
export class MemoryLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }
  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }
  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }
  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }
  enabled(): boolean {
    return true;
  }
  child(): Logger {
    return this;
  }

  /** Error codes in the order in which they were logged. */
  get codes(): string[] {
    return this.lines.flatMap(({ fields }) => (typeof fields['code'] === 'string' ? [fields['code']] : []));
  }
}
