import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Ends by itself: a test that is cut off must not leave the machine busy. */
const LIFE_MS = 120_000;

/** Busy loops, one for each core, that compete with the proxies for the CPU as unruly neighbours do. */
export class Burners {
  readonly #children: ChildProcess[] = [];

  start(count = availableParallelism()): this {
    const program = `const end = performance.now() + ${LIFE_MS}; while (performance.now() < end);`;
    for (let i = 0; i < count; i++) this.#children.push(spawn(process.execPath, ['-e', program], { stdio: 'ignore' }));
    return this;
  }

  stop(): void {
    for (const child of this.#children.splice(0)) child.kill('SIGKILL');
  }
}
