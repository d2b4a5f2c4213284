import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from './cpu.ts';

/** Where a program runs: a network namespace, named by a process in it; `null` = the namespace of this process. */
export interface Place {
  readonly networkOf: number | null;
}

export const HERE: Place = { networkOf: null };

export interface StartOptions {
  argv: readonly string[];
  place?: Place;
  /** User (and group) id, taken on when this process is root. */
  uid?: number;
  env?: Readonly<Record<string, string>>;
  /** File that gets stdout and stderr. */
  log: string;
  /** Folder of a cgroup that the process joins before anything of it is loaded. */
  cgroup?: string;
}

export interface RunOptions extends Omit<StartOptions, 'log'> {
  timeoutMs: number;
  input?: string;
}

const STOP_GRACE_MS = 3_000;
const POLL_MS = 20;

export const isRoot = process.getuid?.() === 0;

/** A program in the background. */
export class Program {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly exited: Promise<void>;
  #exit: string | null = null;

  constructor(name: string, child: ChildProcess, log: string) {
    this.name = name;
    this.#child = child;
    this.#log = log;
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#exit = error.message;
        resolve();
      });
      child.once('exit', (code, signal) => {
        this.#exit = `ended with ${signal ?? `status ${code}`}`;
        resolve();
      });
    });
  }

  /** Of the program itself: everything that prepares its start replaces itself by it. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#exit === null;
  }

  logText(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** @throws with the end of the log when the program is no longer there */
  assertRunning(): void {
    if (this.#exit === null) return;
    throw new Error(`${this.name} ${this.#exit}:\n${this.logText().trim().split('\n').slice(-15).join('\n')}`);
  }

  /** Waits until `ready` says yes. @throws when the program ends or the time is up */
  async waitUntil(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ready())) {
      this.assertRunning();
      if (performance.now() > deadline) {
        throw new Error(`${this.name} was not ready within ${timeoutMs} ms:\n${this.logText().slice(-2000)}`);
      }
      await sleep(POLL_MS);
    }
  }

  /** Killed when it has not ended by itself after `graceMs`. */
  async stop(graceMs = STOP_GRACE_MS, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#exit !== null) return;
    this.#child.kill(signal);
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(kill);
  }
}

/** Starts programs, and ends all of them; those left behind by a crash of this process are ended by the kernel. */
export class Programs {
  readonly #started = new Set<Program>();

  start(name: string, options: StartOptions): Program {
    const log = openSync(options.log, 'a');
    const [command, ...args] = commandLine(options);
    const child = spawn(command!, args, {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const program = new Program(name, child, options.log);
    this.#started.add(program);
    void program.exited.then(() => this.#started.delete(program));
    return program;
  }

  /** Runs to the end and returns stdout. @throws when it fails, with stderr, or takes longer than `timeoutMs` */
  run(options: RunOptions): Promise<string> {
    const [command, ...args] = commandLine(options);
    const child = spawn(command!, args, {
      env: { PATH: process.env['PATH'] ?? '', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return collect(child, options);
  }

  /** CPU used by what runs now, milliseconds since each one's start. */
  cpuMs(): number {
    return [...this.#started].reduce((sum, program) => sum + (program.running ? cpuMs(program.pid) : 0), 0);
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#started].map((program) => program.stop()));
  }
}

function collect(child: ChildProcess, options: RunOptions): Promise<string> {
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk));
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) return resolve(Buffer.concat(output).toString());
      const said = Buffer.concat(errors).toString().trim().slice(-2000);
      reject(new Error(`${options.argv.join(' ')}: ended with ${signal ?? `status ${code}`}: ${said}`));
    });
  });
}

/** Each step replaces itself by the next, so that the child is the program: cgroup, namespace, user, and death with this process. */
function commandLine(options: Omit<StartOptions, 'log'>): string[] {
  const { argv, place = HERE, uid, cgroup } = options;
  const join = cgroup === undefined ? [] : ['sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', cgroup];
  const enter = place.networkOf === null ? [] : ['nsenter', '-t', String(place.networkOf), '-n', '--'];
  const become = uid === undefined || !isRoot ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return [...join, ...enter, 'setpriv', '--pdeathsig=KILL', ...become, '--', ...argv];
}
