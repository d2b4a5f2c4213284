import type { ResourceBody } from '../../contract/resources.ts';

/** What is known of a held resource beside the entry made from it. */
export interface HeldVersion {
  version: string;
  sources: string;
  /** The body as JSON; `null` for endpoints, whose pool holds all of it. As text it is a fraction of what its objects take. */
  text: string | null;
}

/** One resource of a persisted snapshot. */
export interface PersistedResource {
  key: string;
  version: string;
  body: ResourceBody;
}

/** The last good version of every key. */
export class HeldResources {
  readonly #resources = new Map<string, HeldVersion>();

  get size(): number {
    return this.#resources.size;
  }

  get(key: string): HeldVersion | undefined {
    return this.#resources.get(key);
  }

  set(key: string, held: HeldVersion): void {
    this.#resources.set(key, held);
  }

  delete(key: string): void {
    this.#resources.delete(key);
  }

  list(): { key: string; version: string; sources: string }[] {
    return [...this.#resources].map(([key, { version, sources }]) => ({ key, version, sources }));
  }

  /** JSON of everything; `endpointsText` gives the bodies that are not held as text. */
  persist(endpointsText: (key: string, sources: string) => string): string {
    const resources = [...this.#resources].map(([key, { version, sources, text }]) => {
      const body = text ?? endpointsText(key, sources);
      return `{"key":${JSON.stringify(key)},"version":${JSON.stringify(version)},"body":${body}}`;
    });
    return `{"format":1,"resources":[${resources.join(',')}]}`;
  }
}

/** The resources of a persisted snapshot, their bodies unread; `null` when it is none. */
export function readSnapshot(value: unknown): PersistedResource[] | null {
  if (typeof value !== 'object' || value === null) return null;
  if (!('format' in value) || value.format !== 1 || !('resources' in value)) return null;
  const { resources } = value;
  return Array.isArray(resources) && resources.every(isPersisted) ? resources : null;
}

function isPersisted(value: unknown): value is PersistedResource {
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
