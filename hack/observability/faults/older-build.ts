import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../demo/kubectl.ts';
import { shell } from '../../demo/shell.ts';

/** The end of the list of balancers that a proxy knows (`proxy-image/contract/policy/balancer.ts`), as the bundle has it. */
const NEWEST_BALANCER = /,"consistentHash"\]/g;

/**
 * The proxy of this tree, as it was before there was the newest kind of balancer. A release that lacks one and speaks this revision of the contract there is not yet:
 * what the operator tells those of the revision before is put into words that they know (hack/adr/0022-what-older-proxies-are-told.md).
 */
export class OlderBuild {
  #folder = '';

  /** Returns the folder of the program, which every user may read. @throws when the bundle has not one such list, but none or several */
  async make(): Promise<string> {
    this.#folder = mkdtempSync(join(tmpdir(), 'weft-older-'));
    chmodSync(this.#folder, 0o755);
    const entry = join(ROOT, 'proxy-image', 'main.ts');
    const bundle = join(ROOT, 'hack', 'images', 'bundle.ts');
    await shell(process.execPath, [bundle, entry, join(this.#folder, 'proxy.js'), 'bun']);
    const changed = readdirSync(this.#folder).filter((name) => this.#forget(join(this.#folder, name)));
    if (changed.length !== 1) throw new Error(`the list of balancers is in ${changed.length} files of the bundle`);
    return this.#folder;
  }

  remove(): void {
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = '';
  }

  #forget(file: string): boolean {
    const text = readFileSync(file, 'utf8');
    const without = text.replaceAll(NEWEST_BALANCER, ']');
    if (without !== text) writeFileSync(file, without);
    return without !== text;
  }
}
