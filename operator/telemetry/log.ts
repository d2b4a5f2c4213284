import winston from 'winston';
import { escapeControls, redacted } from '../../proxy-image/contract/log-text.ts';
import type { Log } from '../runtime/log.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where winston keeps the line that it writes (triple-beam). */
const LINE = Symbol.for('message');
const safe = winston.format.printf((info) => escapeControls(redacted(String((info as Record<symbol, unknown>)[LINE]))));

/** JSON lines on standard error: `timestamp`, `level`, `message` (constant text), then the fields. What is secret or would move a cursor is not in them. */
export function createLog(level: LogLevel, fields: Readonly<Record<string, unknown>> = {}): Log {
  const logger = winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json(), safe),
    defaultMeta: fields,
    transports: [new winston.transports.Console({ stderrLevels: [...LOG_LEVELS] })],
  });
  return {
    debug: (message, more) => void logger.debug(message, more),
    info: (message, more) => void logger.info(message, more),
    warn: (message, more) => void logger.warn(message, more),
    error: (message, more) => void logger.error(message, more),
  };
}
