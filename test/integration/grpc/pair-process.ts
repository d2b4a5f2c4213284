import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const BUN = path.join(path.dirname(require.resolve('bun/package.json')), 'bin/bun.exe');

export interface PairConfig {
  /** What the control plane says about the Service and its endpoint. */
  protocol: 'http2' | 'detect';
  applicationPorts: number[];
}

export interface PairPorts {
  /** In the order of `applicationPorts`: where the application's client is redirected to, and where its plain traffic arrives. */
  applications: { outboundPort: number; inboundPlainPort: number }[];
}

/** A client's and a server's proxy with mutual TLS between them, in a Bun process of their own. */
export class PairProcess {
  readonly ports: PairPorts;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, ports: PairPorts) {
    this.#child = child;
    this.ports = ports;
  }

  static async start(config: PairConfig): Promise<PairProcess> {
    const script = path.join(import.meta.dirname, 'pair.ts');
    const child = spawn(BUN, ['--smol', script, JSON.stringify(config)], { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once('line', resolve);
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`the proxies ended with ${code ?? signal}`)));
    });
    return new PairProcess(child, JSON.parse(line) as PairPorts);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** A proxy that has ended by itself is a finding: says how. */
  async stop(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) throw new Error(`the proxies ended with ${exitCode ?? signalCode}`);
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(timer);
  }
}
