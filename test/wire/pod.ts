import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Ask, Told } from './app/contract.ts';

/** The program `ask` in a pod, for as long as the rows last: one `kubectl exec` for all that a pod is asked. */
export class Asking {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, { resolve: (told: Told) => void; reject: (error: Error) => void }>();
  readonly #where: string;
  #last = 0;

  constructor(namespace: string, pod: string) {
    this.#where = `${namespace}/${pod}`;
    const command = ['-n', namespace, 'exec', '-i', pod, '-c', 'app', '--', 'node', '/app/main.mjs', 'ask'];
    const context = process.env['CONTEXT'] ?? '';
    this.#child = spawn('kubectl', context === '' ? command : ['--context', context, ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#heard(JSON.parse(line) as Told));
    this.#child.stdin.on('error', () => {}); // the exit is what is reported
    this.#child.on('exit', () => this.#ended());
  }

  /** @throws where the pod's program ends before it has answered */
  ask(ask: Omit<Ask, 'id'>): Promise<Told> {
    const id = ++this.#last;
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null) return reject(new Error(`${this.#where}: the exec session has ended`));
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, ...ask })}\n`);
    });
  }

  close(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }

  #heard(told: Told): void {
    this.#waiting.get(told.id)?.resolve(told);
    this.#waiting.delete(told.id);
  }

  #ended(): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`${this.#where}: the exec session has ended`));
    this.#waiting.clear();
  }
}
