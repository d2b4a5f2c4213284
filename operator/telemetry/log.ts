import winston from 'winston';
import type { Log } from '../runtime/log.ts';

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard error: `timestamp`, `level`, `message` (constant text), then the fields. */
export function createLog(level: LogLevel, fields: Readonly<Record<string, unknown>> = {}): Log {
  const logger = winston.createLogger({
    level,
    format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
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
