import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const BUILD = path.join(import.meta.dirname, '../../../hack/gitops/build');
export const BUILD_LIMIT_MS = 600_000;

export interface Verdict {
  status: string;
  message: string;
}

/** What each tool says of one object. */
export interface Health {
  kstatus: Verdict;
  /** kstatus, or the expressions of `healthCheckExprs` for the kind. */
  flux: Verdict;
  /** `null`: Argo CD has no check for the kind, and takes no notice of its health. */
  argo: Verdict | null;
}

/** A program of hack/gitops, which answers every line by a line. */
export class Judge<Answer> {
  readonly #process: ChildProcess;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (cause: Error) => void }[] = [];
  #errors = '';

  private constructor(program: string, args: readonly string[], first: object) {
    this.#process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.#process.stdout! }).on('line', (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line) as Answer);
    });
    this.#process.stderr!.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#process.once('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`the judge has ended: ${this.#errors}`));
    });
    this.#write(first);
  }

  /** @param first what the program is told before anything else */
  static async start<Answer>(
    name: 'health' | 'judge',
    first: object,
    args: readonly string[] = [],
  ): Promise<Judge<Answer>> {
    const { stdout } = await promisify(execFile)(BUILD, [name], { timeout: BUILD_LIMIT_MS });
    return new Judge(stdout.trim(), args, first);
  }

  ask(question: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#write(question);
    });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('close', resolve));
    this.#process.stdin!.end();
    await ended;
  }

  #write(line: object): void {
    this.#process.stdin!.write(`${JSON.stringify(line)}\n`);
  }
}
