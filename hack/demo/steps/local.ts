import { join } from 'node:path';
import { ROOT } from '../kubectl.ts';
import { shell } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';

const CHECK_LINE = /^\s+(ok {2}|FAIL) (.*?): expected (.*?); measured (.*)$/;

/** The embedded mode's own demonstration, run as an ordinary user; its checks are passed on. */
export const local: Step = {
  id: 'l',
  title: 'the embedded mode as an ordinary user: canary, retries, timeout, a refused identity',
  commands: ['make run-local', 'node hack/local/main.ts --demo'],
  async run() {
    const finished = await shell(join(ROOT, 'hack', 'local', 'as-user'), [], { timeoutMs: 240_000, anyStatus: true });
    const checks = finished.stdout
      .split('\n')
      .map(parse)
      .filter((entry) => entry !== null);
    const complaint = finished.code === 0 ? '' : ` ${finished.stderr.trim().slice(-500)}`;
    return [...checks, check('exit status', '0', `${finished.code}${complaint}`, finished.code === 0)];
  },
};

function parse(line: string): Check | null {
  const match = CHECK_LINE.exec(line);
  return match === null ? null : check(match[2]!, match[3]!, match[4]!, match[1]!.startsWith('ok'));
}
