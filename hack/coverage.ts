/**
 * Holds the line coverage of each part against what it promises: reads the `json-summary` of c8 (coverage/coverage-summary.json), prints a line per
 * part, and ends with exit status 1 when one of them has less.
 */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const PARTS = ['crds', 'proxy-image/core', 'webhooks', 'operator/runtime'];
const PROMISED_PERCENT = 90;

interface Lines {
  total: number;
  covered: number;
}

/** False: types only, nothing of which is left at run time. Such a file is never loaded and would count as uncovered. */
function hasCode(path: string): boolean {
  return /\S/.test(stripTypeScriptTypes(readFileSync(path, 'utf8')).replace(/\/\*[\s\S]*?\*\/|\/\/.*|;/g, ''));
}

function readSummary(): [path: string, lines: Lines][] {
  const summary = JSON.parse(readFileSync(join(ROOT, 'coverage', 'coverage-summary.json'), 'utf8')) as Record<
    string,
    { lines: Lines }
  >;
  return Object.entries(summary)
    .filter(([path]) => path !== 'total' && hasCode(path))
    .map(([path, { lines }]) => [relative(ROOT, path), lines]);
}

const files = readSummary();
for (const part of PARTS) {
  const own = files.filter(([path]) => path.startsWith(`${part}/`)).map(([, lines]) => lines);
  const sum = (field: keyof Lines) => own.reduce((total, lines) => total + lines[field], 0);
  const percent = (100 * sum('covered')) / sum('total');
  const holds = percent >= PROMISED_PERCENT;
  console.log(
    `${holds ? 'ok  ' : 'LESS'} ${percent.toFixed(1)} % of the lines of ${part}, promised ${PROMISED_PERCENT} %`,
  );
  if (!holds) process.exitCode = 1;
}
