import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WATCH_SCRIPT = fileURLToPath(new URL('watch.sh', import.meta.url));

/** A process that outlives the test process for just as long as it takes to end what that one has started. */
export class Watchdog {
  readonly #child: ChildProcess;

  constructor(directory: string) {
    // A session of its own: Ctrl-C on the terminal reaches the tests, not the watchdog.
    this.#child = spawn('sh', [WATCH_SCRIPT, directory], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#child.stdin?.on('error', () => {});
    // Neither the child nor the pipe to it keeps this process alive.
    this.#child.unref();
    if (this.#child.stdin instanceof Socket) this.#child.stdin.unref();
  }

  mind(pid: number): void {
    this.#say(`+ ${pid}`);
  }

  forget(pid: number): void {
    this.#say(`- ${pid}`);
  }

  keepDirectory(): void {
    this.#say('keep');
  }

  end(): void {
    this.#say('end');
    this.#child.stdin?.end();
  }

  #say(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }
}

/** One server program with its log file; can be stopped and started again with the same arguments. */
export class ServerProcess {
  readonly #program: string;
  readonly #args: readonly string[];
  readonly #logFile: string;
  readonly #watchdog: Watchdog;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(program: string, args: readonly string[], logFile: string, watchdog: Watchdog) {
    this.#program = program;
    this.#args = args;
    this.#logFile = logFile;
    this.#watchdog = watchdog;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  start(): void {
    if (this.#child !== null) throw new Error(`${this.#program} runs already`);
    const log = openSync(this.#logFile, 'a');
    // No proxy variables: the API server would send its webhook calls through them.
    const env = { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/' };
    const child = spawn(this.#program, this.#args, { stdio: ['ignore', log, log], detached: true, env });
    closeSync(log);
    this.#child = child;
    const { pid } = child;
    if (pid !== undefined) this.#watchdog.mind(pid);
    this.#exited = new Promise((resolve) => {
      const gone = () => {
        if (pid !== undefined) this.#watchdog.forget(pid);
        if (this.#child === child) this.#child = null;
        resolve();
      };
      child.once('exit', gone);
      child.once('error', gone);
    });
    child.unref();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Stopped by a signal, every thread of it. */
  get isStopped(): boolean {
    const { pid } = this;
    if (pid === null) return true;
    return readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(`/proc/${pid}/task/${thread}/stat`) === 'T');
  }

  /** Sends the signal, and SIGKILL when the process is still there after the grace. */
  async stop(signal: NodeJS.Signals = 'SIGKILL', graceMs = 2_000): Promise<void> {
    if (this.#child === null) return;
    this.#child.ref();
    this.signal(signal);
    // A paused process acts on nothing but SIGKILL until it is continued.
    this.signal('SIGCONT');
    const abort = new AbortController();
    const grace = sleep(graceMs, undefined, { signal: abort.signal }).catch(() => {});
    await Promise.race([this.#exited, grace]);
    abort.abort();
    this.signal('SIGKILL');
    await this.#exited;
  }

  /** Waits until `ready` resolves to true; throws with the end of the log when the process dies first or time is up. */
  async waitUntil(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await ready())) {
      if (!this.running) throw new Error(`${this.#program} ended:\n${this.logTail()}`);
      if (Date.now() > deadline) {
        throw new Error(`${this.#program} is not ready after ${timeoutMs} ms:\n${this.logTail()}`);
      }
      await sleep(50);
    }
  }

  logTail(lines = 15): string {
    return readFileSync(this.#logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}

/** A TCP port of loopback that was free a moment ago: for programs that cannot listen on port 0 and say what they got. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (typeof address === 'object' && address !== null ? resolve(address.port) : reject()));
    });
  });
}

/** The letter behind the name, which may contain anything (proc(5)); a thread that has ended runs no more than one that is stopped. */
function stateOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(') ').at(-1)?.[0] ?? '';
  } catch {
    return 'T';
  }
}
