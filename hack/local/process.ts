import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

export interface ProcessOptions {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  /** File that gets stdout and stderr. */
  log: string;
  cwd: string;
}

/** A child process with its output in a file; `stop` is bounded in time. */
export class LocalProcess {
  readonly #child: ChildProcess;
  readonly exited: Promise<number>;
  exitCode: number | null = null;

  constructor(options: ProcessOptions) {
    const log = openSync(options.log, 'a');
    this.#child = spawn(options.command, options.args, {
      env: { ...options.env },
      cwd: options.cwd,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve(127));
      this.#child.once('exit', (code) => resolve(code ?? 1));
    });
    void this.exited.then((code) => {
      this.exitCode = code;
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.exitCode === null) this.#child.kill(signal);
  }

  async stop(graceMs: number): Promise<void> {
    if (this.exitCode !== null) return;
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }
}
