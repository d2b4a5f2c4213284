import { writeSync } from 'node:fs';

/** A line before there is a logger, or without one, in its form. */
export function printLine(fields: object): void {
  writeSync(1, `${JSON.stringify({ timestamp: new Date().toISOString(), ...fields })}\n`);
}
