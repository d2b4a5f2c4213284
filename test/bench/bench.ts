import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestAuthority, type TestAuthority } from '../support/certificates.ts';
import { isRoot, Programs } from './host/programs.ts';
import { loopbackSite, namespaceSite, type Site } from './host/site.ts';
import { staleFolders } from './host/stale.ts';
import type { NetworkKind, Options } from './options.ts';

/** The process id of the run follows. */
const PREFIX = 'weft-bench-run-';

/** What the rows share: programs, places, files, certificates, and how to say what is going on. */
export class Bench {
  readonly options: Options;
  readonly network: NetworkKind;
  readonly programs = new Programs();
  /** Of this run; removed at its end. */
  readonly directory: string;
  readonly authority: TestAuthority = createTestAuthority();
  readonly say: (text: string) => void;
  #sites = 0;
  #files = 0;
  readonly #open = new Set<Site>();
  readonly #closing = new Set<() => Promise<void>>();

  constructor(options: Options, network: NetworkKind, say: (text: string) => void) {
    this.options = options;
    this.network = network;
    this.say = say;
    for (const stale of staleFolders(tmpdir(), PREFIX)) rmSync(stale, { recursive: true, force: true });
    this.directory = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    // Programs that run as other users find their own files in it, and no list of the others'.
    chmodSync(this.directory, 0o711);
    // However this process ends; the programs end with it by themselves.
    process.once('exit', () => rmSync(this.directory, { recursive: true, force: true }));
  }

  /** @param redirected false = for load without any proxy */
  async site(redirected = true): Promise<Site> {
    this.#sites += 1;
    const log = join(this.directory, 'namespaces.log');
    const site =
      this.network === 'namespaces'
        ? await namespaceSite(this.#sites, this.programs, redirected, log)
        : loopbackSite(this.#sites);
    this.#open.add(site);
    return site;
  }

  async closeSite(site: Site): Promise<void> {
    this.#open.delete(site);
    await site.close();
  }

  /** A new folder that the user `uid` owns. */
  folder(name: string, uid: number): string {
    this.#files += 1;
    const path = join(this.directory, `${name}-${this.#files}`);
    mkdirSync(path, { mode: 0o700 });
    if (isRoot) chownSync(path, uid, uid);
    return path;
  }

  /** A file that only the user `uid` reads. */
  file(folder: string, name: string, text: string, uid: number): string {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (isRoot) chownSync(path, uid, uid);
    return path;
  }

  /** Runs `close` at the end, whatever ends the run; returns how to run it before. */
  onClose(close: () => Promise<void>): () => Promise<void> {
    this.#closing.add(close);
    return async () => {
      if (this.#closing.delete(close)) await close();
    };
  }

  async close(): Promise<void> {
    for (const close of this.#closing) {
      this.#closing.delete(close);
      await close();
    }
    for (const site of this.#open) await this.closeSite(site);
    await this.programs.stopAll();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
