import { join } from 'node:path';
import { ROOT } from '../kubectl.ts';
import { shell } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';

interface Report {
  success: boolean;
  categories: { checks: { code: string; result: string; error?: string }[] }[];
}

const LIMIT_MS = 3_000;

/** `weft check --proxy` of the whole cluster: what is not √, and how long it took. */
async function run(): Promise<Check[]> {
  const context = process.env['CONTEXT'] ?? '';
  const chosen = context === '' ? [] : ['--context', context];
  const startedMs = performance.now();
  const argv = [join(ROOT, 'cli', 'main.ts'), 'check', '--proxy', '-o', 'json', ...chosen];
  const { stdout, stderr, code } = await shell(process.execPath, argv, { anyStatus: true });
  const tookMs = Math.round(performance.now() - startedMs);
  if (stdout === '') throw new Error(stderr);
  const { categories } = JSON.parse(stdout) as Report;
  const checks = categories.flatMap((category) => category.checks);
  const found = checks.filter(({ result }) => result !== 'success').map((each) => `${each.code}: ${each.error}`);
  return [
    check('status of weft check --proxy', '0', code, code === 0),
    check('what is not √', 'nothing', found.join('; ') || 'nothing', found.length === 0),
    check('kinds of fault that were looked for', '≥ 90', checks.length, checks.length >= 90),
    check('time, start of the command included', `< ${LIMIT_MS} ms`, `${tookMs} ms`, tookMs < LIMIT_MS),
  ];
}

export const weftCheck: Step = {
  id: 'check',
  title: 'weft check finds nothing',
  commands: ['weft check --proxy'],
  run,
};
