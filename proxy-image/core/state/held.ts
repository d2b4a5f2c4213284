import type { ResourceBody } from '../../contract/resources.ts';

export interface HeldResource {
  key: string;
  version: string;
  body: ResourceBody;
}

/** What is written beside the key, and read back by a restarted container: plain JSON. */
export interface PersistedSnapshot {
  format: 1;
  resources: HeldResource[];
}

/** The last good body of every key, as it came. */
export class HeldResources {
  readonly #resources = new Map<string, HeldResource>();

  get size(): number {
    return this.#resources.size;
  }

  get(key: string): HeldResource | undefined {
    return this.#resources.get(key);
  }

  set({ key, version, body }: HeldResource): void {
    this.#resources.set(key, { key, version, body });
  }

  delete(key: string): void {
    this.#resources.delete(key);
  }

  list(): { key: string; version: string; sources: string }[] {
    return [...this.#resources.values()].map(({ key, version, body }) => ({ key, version, sources: body.sources }));
  }

  snapshot(): PersistedSnapshot {
    return { format: 1, resources: [...this.#resources.values()] };
  }
}

/** The resources of a persisted snapshot, their bodies unread; `null` when it is none. */
export function readSnapshot(value: unknown): HeldResource[] | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('format' in value) || value.format !== 1 || !('resources' in value)) return null;
  const { resources } = value;
  return Array.isArray(resources) && resources.every(isHeld) ? resources : null;
}

function isHeld(value: unknown): value is HeldResource {
  return (
    typeof value === 'object' &&
    value !== null &&
    'key' in value &&
    typeof value.key === 'string' &&
    'version' in value &&
    typeof value.version === 'string' &&
    'body' in value
  );
}
