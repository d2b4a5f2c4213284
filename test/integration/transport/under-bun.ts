import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const BUN = path.join(path.dirname(require.resolve('bun/package.json')), 'bin/bun.exe');
const MOCHA = require.resolve('mocha/bin/mocha.js');

/** Runs a suite file with the same test runner under Bun and returns its report. */
export async function runUnderBun(suite: string): Promise<{ passes: string[]; failures: string[] }> {
  const child = spawn(BUN, [
    '--smol',
    MOCHA,
    '--no-config',
    '--exit',
    '--timeout',
    '10000',
    '--reporter',
    'json',
    suite,
  ]);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  await new Promise((resolve) => child.on('close', resolve));
  clearTimeout(timer);
  const start = output.indexOf('{');
  if (start === -1) throw new Error(`no report from Bun: ${output}${errors}`);
  const report = JSON.parse(output.slice(start)) as {
    passes: { fullTitle: string }[];
    failures: { fullTitle: string; err: { message: string } }[];
  };
  return {
    passes: report.passes.map(({ fullTitle }) => fullTitle),
    failures: report.failures.map(({ fullTitle, err }) => `${fullTitle}: ${err.message}`),
  };
}
