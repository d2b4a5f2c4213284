import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { sleep } from '../demo/shell.ts';
import { NAMESPACE } from './world.ts';

const ROUTE = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/httproutes/web`;
const ATTEMPT_MS = 2_000;
const PAUSE_MS = 50;

/** Writes to the API server without the half second in which a `kubectl` starts: by one that is there all the time. */
export class Changes {
  readonly #kubectl: ChildProcess;
  readonly #base: Promise<string>;

  constructor() {
    this.#kubectl = spawn('kubectl', ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#base = new Promise((resolve, reject) => {
      this.#kubectl.on('error', reject);
      createInterface({ input: this.#kubectl.stdout! }).on('line', (line) => {
        const [, address] = /(127\.0\.0\.1:\d+)/.exec(line) ?? [];
        if (address !== undefined) resolve(`http://${address}`);
      });
    });
  }

  /** Gives the route another value, as often as it takes. Returns when the API server has taken it, in ms of the wall clock. */
  async make(value: string, limitMs: number): Promise<number> {
    const filter = {
      type: 'ResponseHeaderModifier',
      responseHeaderModifier: { set: [{ name: 'x-version', value }] },
    };
    const body = JSON.stringify({
      spec: { rules: [{ filters: [filter], backendRefs: [{ name: 'web', port: 80 }] }] },
    });
    const untilMs = performance.now() + limitMs;
    for (;;) {
      if (await this.#patch(body)) return Date.now();
      if (performance.now() > untilMs) throw new Error(`the API server has not taken a change for ${limitMs / 1000} s`);
      await sleep(PAUSE_MS);
    }
  }

  async #patch(body: string): Promise<boolean> {
    const headers = { 'content-type': 'application/merge-patch+json' };
    const signal = AbortSignal.timeout(ATTEMPT_MS);
    const base = await this.#base;
    try {
      const response = await fetch(`${base}${ROUTE}`, { method: 'PATCH', headers, body, signal });
      await response.arrayBuffer();
      return response.ok;
    } catch {
      return false;
    }
  }

  stop(): void {
    this.#kubectl.kill();
  }
}
