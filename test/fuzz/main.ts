/** `make fuzz`: every target of this folder, one after another, each in a process of its own, for so many seconds. Exits with 1 after a finding. */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

const NO_TARGETS: ReadonlySet<string> = new Set(['driver.ts', 'main.ts', 'mutator.ts']);
/** Start and last input of a target; one that is not back by then hangs, which is a finding too. */
const GRACE_MS = 60_000;

async function main(seconds: number, seed: string | undefined): Promise<void> {
  const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !NO_TARGETS.has(name));
  const outcomes: string[] = [];
  for (const [index, file] of files.sort().entries()) {
    console.log(`==> ${file} (${index + 1} of ${files.length}), ${seconds} s`);
    const outcome = await runTarget(file, seconds, seed);
    outcomes.push(`${outcome.padEnd(8)} ${file}`);
    if (outcome !== 'clean') process.exitCode = 1;
  }
  console.log(`==> summary, ${seconds} s each\n${outcomes.join('\n')}`);
}

function runTarget(file: string, seconds: number, seed: string | undefined): Promise<'clean' | 'FINDING' | 'HANGS'> {
  const args = [path.join(import.meta.dirname, file), String(seconds), ...(seed === undefined ? [] : [seed])];
  const target = spawn(process.execPath, args, { stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    let hangs = false;
    const timer = setTimeout(
      () => {
        hangs = true;
        target.kill('SIGKILL');
      },
      seconds * 1000 + GRACE_MS,
    );
    target.on('error', reject);
    target.on('exit', (code) => {
      clearTimeout(timer);
      resolve(hangs ? 'HANGS' : code === 0 ? 'clean' : 'FINDING');
    });
  });
}

await main(Number(process.argv[2] ?? 600), process.argv[3]);
