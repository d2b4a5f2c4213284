import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { staleFolders } from './stale.ts';

const V1_ROOT = '/sys/fs/cgroup/memory';
const V2_ROOT = '/sys/fs/cgroup';

/** Names of the figures that the kubelet's statistics are made of, in both versions of cgroups. */
interface Version {
  root: string;
  usage: string;
  inactiveFile: string;
  limit: string;
}

const V1: Version = {
  root: V1_ROOT,
  usage: 'memory.usage_in_bytes',
  inactiveFile: 'total_inactive_file',
  limit: 'memory.limit_in_bytes',
};
const V2: Version = { root: V2_ROOT, usage: 'memory.current', inactiveFile: 'inactive_file', limit: 'memory.max' };

/** The process id of the run follows. */
const PREFIX = 'weft-bench-';

const REMOVE_TRIES = 50;
const REMOVE_PAUSE_MS = 20;

/** A memory cgroup of its own, as every container has. */
export class MemoryCgroup {
  readonly path: string;
  readonly #version: Version;

  constructor(version: Version, path: string) {
    this.#version = version;
    this.path = path;
  }

  /** Bytes as the kubelet counts them (cAdvisor: usage without inactive file pages, which the kernel gives back at once). */
  workingSetBytes(): number {
    const usage = Number(readFileSync(join(this.path, this.#version.usage), 'utf8'));
    const inactive = new RegExp(`^${this.#version.inactiveFile} (\\d+)$`, 'm').exec(
      readFileSync(join(this.path, 'memory.stat'), 'utf8'),
    );
    return Math.max(0, usage - Number(inactive?.[1] ?? 0));
  }

  /** As that of a container. */
  limit(bytes: number): void {
    writeFileSync(join(this.path, this.#version.limit), String(bytes));
  }

  /** After its processes have ended. */
  async remove(): Promise<void> {
    await removeFolder(this.path);
  }
}

/** The cgroups of one run, below one folder. */
export class MemoryCgroups {
  readonly #version: Version;
  readonly #folder: string;
  readonly #made: MemoryCgroup[] = [];

  constructor(version: Version, folder: string) {
    this.#version = version;
    this.#folder = folder;
  }

  create(name: string): MemoryCgroup {
    const path = join(this.#folder, name);
    mkdirSync(path);
    const group = new MemoryCgroup(this.#version, path);
    this.#made.push(group);
    return group;
  }

  async remove(): Promise<void> {
    for (const group of this.#made) await group.remove();
    await removeFolder(this.#folder);
  }
}

/** `null` where this process may not make memory cgroups; `why` says what is missing. */
export function openMemoryCgroups(): { groups: MemoryCgroups } | { groups: null; why: string } {
  const version = existsSync(join(V1_ROOT, V1.usage)) ? V1 : V2;
  const folder = join(version.root, `${PREFIX}${process.pid}`);
  try {
    removeStale(version.root);
    mkdirSync(folder);
    // In version 2 every level hands its controllers down.
    if (version === V2)
      for (const level of [V2_ROOT, folder]) writeFileSync(join(level, 'cgroup.subtree_control'), '+memory');
    return { groups: new MemoryCgroups(version, folder) };
  } catch (error) {
    return { groups: null, why: error instanceof Error ? error.message : String(error) };
  }
}

/** Of runs that were killed: their processes have ended with them, their cgroups have not. */
function removeStale(root: string): void {
  for (const folder of staleFolders(root, PREFIX)) {
    const entries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of entries) rmdirSync(join(folder, name));
    rmdirSync(folder);
  }
}

/** The kernel refuses for some milliseconds after the last process of a cgroup has ended. */
async function removeFolder(path: string): Promise<void> {
  for (let attempt = 1; existsSync(path); attempt++) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (attempt === REMOVE_TRIES) throw error;
      await new Promise((done) => setTimeout(done, REMOVE_PAUSE_MS));
    }
  }
}
