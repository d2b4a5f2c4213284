import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const MS_PER_TICK = 1000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** proc(5), /proc/PID/stat: utime and stime are fields 14 and 15; those of waited-for children 16 and 17. */
const UTIME = 14;
const FIRST_FIELD_AFTER_NAME = 3;

/** User and system time of all threads of a process, milliseconds; 0 when it is gone. */
export function cpuMs(pid: number | 'self', withChildren = false): number {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return 0;
  }
  // The name is in brackets and may hold anything, spaces and brackets too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const first = UTIME - FIRST_FIELD_AFTER_NAME;
  const ticks = fields.slice(first, first + (withChildren ? 4 : 2)).map(Number);
  return ticks.reduce((sum, value) => sum + value, 0) * MS_PER_TICK;
}

/** Time that the machine spent for processes (not interrupts), milliseconds over all CPUs; time stolen by the host counts. */
function machineBusyMs(): number {
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + steal) * MS_PER_TICK;
}

/** Measures how much of the machine others used meanwhile: a figure taken on a busy machine is worth less. */
export class ForeignLoad {
  readonly #ownMs: () => number;
  readonly #startMs = performance.now();
  readonly #busyMs = machineBusyMs();
  readonly #ownAtStartMs: number;

  /** @param runningMs CPU of the programs of ours that run now; those that ended are counted as children of this process */
  constructor(runningMs: () => number) {
    this.#ownMs = () => runningMs() + cpuMs('self', true);
    this.#ownAtStartMs = this.#ownMs();
  }

  /** Share of all CPUs, 0 to 1. */
  share(): number {
    const elapsedMs = (performance.now() - this.#startMs) * availableParallelism();
    const foreignMs = machineBusyMs() - this.#busyMs - (this.#ownMs() - this.#ownAtStartMs);
    return Math.min(1, Math.max(0, foreignMs / elapsedMs));
  }
}
