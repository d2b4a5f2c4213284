import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '../demo/kubectl.ts';
import { type Finished, type ShellOptions, shell } from '../demo/shell.ts';
import { weft } from '../demo/weft.ts';
import { SYSTEM } from './control-plane.ts';

const LIMIT_MS = 180_000;

/** Helm's own command. */
export class Helm {
  readonly #program: string;

  constructor(program: string) {
    this.#program = program;
  }

  run(args: readonly string[], options: ShellOptions = {}): Promise<Finished> {
    return shell(this.#program, ['--namespace', SYSTEM, ...args], { timeoutMs: LIMIT_MS, ...options });
  }

  /** With the values that the installation was made with, as `weft upgrade` knows them. */
  async takeOver(): Promise<void> {
    const { stdout } = await weft(['upgrade', '--show-values']);
    const file = join(mkdtempSync(join(tmpdir(), 'weft-values-')), 'values.yaml');
    writeFileSync(file, stdout);
    await this.upgrade('--values', file);
    rmSync(dirname(file), { recursive: true });
  }

  /** Definitions first, then the control plane, until it is ready. */
  async upgrade(...options: string[]): Promise<void> {
    await this.run(['upgrade', '--install', 'weft-crds', join(ROOT, 'charts', 'weft-crds'), '--take-ownership']);
    const weft = ['upgrade', '--install', 'weft', join(ROOT, 'charts', 'weft'), '--take-ownership', '--wait'];
    await this.run([...weft, ...options]);
  }
}
