import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const require = createRequire(import.meta.url);
const BUN = path.join(path.dirname(require.resolve('bun/package.json')), 'bin/bun.exe');
const MOCHA = require.resolve('mocha/bin/mocha.js');

/** For the whole suite, of the process and of the test that runs it. Against a hang: the longest one takes 75 s, and twice that with a busy loop on each core. */
export const BUN_SUITE_MS = 190_000;

interface Report {
  passes: { fullTitle: string }[];
  failures: { fullTitle: string; err: { message: string } }[];
}

/** Runs a suite file with the same test runner under Bun and returns its report. */
export async function runUnderBun(suite: string): Promise<{ passes: string[]; failures: string[] }> {
  const directory = mkdtempSync(path.join(tmpdir(), 'weft-bun-suite-'));
  // A file: what is still in a pipe is lost when the process exits.
  const file = path.join(directory, 'report.json');
  try {
    const output = await run([
      ...['--smol', MOCHA, '--no-config', '--exit', '--timeout', '30000'],
      ...['--reporter', 'json', '--reporter-option', `output=${file}`, suite],
    ]);
    return read(file, output);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Resolves with what the process wrote, when it has ended or was ended for taking too long. */
async function run(args: string[]): Promise<string> {
  const child = spawn(BUN, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), BUN_SUITE_MS);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const ending = await new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
  clearTimeout(timer);
  return `${output}\n(ended with ${ending})`;
}

function read(file: string, output: string): { passes: string[]; failures: string[] } {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch (cause) {
    throw new Error(`no report from Bun: ${output.slice(-4_000)}`, { cause });
  }
  return {
    passes: report.passes.map(({ fullTitle }) => fullTitle),
    failures: report.failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`),
  };
}
