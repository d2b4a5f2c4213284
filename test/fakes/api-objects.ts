export interface ApiObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    generation?: number;
    finalizers?: string[];
    deletionTimestamp?: string;
    managedFields?: object[];
  };
  [field: string]: unknown;
}

export interface StoredEvent {
  /** Of the collection over all namespaces. */
  path: string;
  version: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: ApiObject;
}

export interface Answer {
  status: number;
  body?: object;
}

/** `/apis/g/v/namespaces/ns/plural/name/status` → collection over all namespaces, key and subresource. */
function locate(path: string): { collection: string; key: string; subresource: string } {
  const match =
    /^(\/api\/[^/]+|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(path);
  const [, root = '', namespace = '', plural = '', name = '', subresource = ''] = match ?? [];
  return { collection: `${root}/${plural}`, key: namespace === '' ? name : `${namespace}/${name}`, subresource };
}

/** Objects with versions, a log of events that can be compacted, optimistic locking and the status subresource. */
export class FakeObjects {
  readonly #collections = new Map<string, Map<string, ApiObject>>();
  readonly #log: StoredEvent[] = [];
  readonly #listeners: ((event: StoredEvent) => void)[] = [];
  /** Lists under way: what a continue token goes on with. */
  readonly #pages = new Map<string, { items: ApiObject[]; version: string }>();
  #version = 100;
  #compacted = 0;
  #uids = 0;

  get version(): string {
    return String(this.#version);
  }

  onEvent(listener: (event: StoredEvent) => void): void {
    this.#listeners.push(listener);
  }

  get(path: string, key: string): ApiObject | undefined {
    return this.#collections.get(path)?.get(key);
  }

  /** Creates or replaces; a spec that differs raises the generation. `quietly`: no event is sent or kept. */
  put(path: string, object: ApiObject, quietly = false): ApiObject {
    const key = keyOf(object);
    const before = this.get(path, key);
    const generation = (before?.metadata.generation ?? 0) + (sameSpec(before, object) ? 0 : 1);
    const uid = object.metadata.uid ?? before?.metadata.uid ?? `uid-${++this.#uids}`;
    this.#version += 1;
    const resourceVersion = String(this.#version);
    const stored = { ...object, metadata: { ...object.metadata, uid, generation, resourceVersion } };
    this.#collection(path).set(key, stored);
    if (!quietly)
      this.#emit({ path, version: this.#version, type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored });
    return stored;
  }

  remove(path: string, key: string, quietly = false): void {
    const before = this.#collection(path).get(key);
    if (before === undefined) return;
    this.#collection(path).delete(key);
    this.#version += 1;
    const object = { ...before, metadata: { ...before.metadata, resourceVersion: String(this.#version) } };
    if (!quietly) this.#emit({ path, version: this.#version, type: 'DELETED', object });
  }

  /** Forgets the events so far: a watch from before is answered by 410. */
  compact(): void {
    this.#version += 1;
    this.#compacted = this.#version;
    this.#pages.clear();
  }

  /** Events after a version; null when they are gone. */
  since(path: string, version: string): StoredEvent[] | null {
    const from = Number(version === '' ? '0' : version);
    if (from < this.#compacted) return null;
    return this.#log.filter((event) => event.path === path && event.version > from);
  }

  handle(method: string, path: string, query: URLSearchParams, body: string): Answer {
    const { collection, key, subresource } = locate(path);
    const name = key.split('/').at(-1) ?? '';
    if (method === 'GET') return name === '' ? this.#list(collection, query) : this.#read(collection, key);
    const object = JSON.parse(body || '{}') as ApiObject;
    switch (method) {
      case 'POST':
        return this.#create(collection, object);
      case 'PUT':
      case 'PATCH':
        return this.#update(collection, key, subresource, object, method === 'PUT', query.has('fieldManager'));
      case 'DELETE':
        this.remove(collection, key);
        return { status: 200, body: {} };
      default:
        return { status: 405 };
    }
  }

  #read(collection: string, key: string): Answer {
    const object = this.get(collection, key);
    return object === undefined ? { status: 404 } : { status: 200, body: object };
  }

  #list(collection: string, query: URLSearchParams): Answer {
    const token = query.get('continue');
    const held = token === null ? null : this.#pages.get(token);
    if (held === undefined) return { status: 410 };
    const version = held?.version ?? this.version;
    const items = held?.items ?? [...this.#collection(collection).values()];
    const limit = Number(query.get('limit') ?? '0') || items.length;
    const rest = items.slice(limit);
    const next = rest.length === 0 ? '' : `page-${this.#pages.size}-${this.#version}`;
    if (next !== '') this.#pages.set(next, { items: rest, version });
    const metadata = { resourceVersion: version, ...(next === '' ? {} : { continue: next }) };
    return { status: 200, body: { metadata, items: items.slice(0, limit) } };
  }

  #create(collection: string, object: ApiObject): Answer {
    if (this.get(collection, keyOf(object)) !== undefined) return { status: 409 };
    return { status: 201, body: this.put(collection, object) };
  }

  #update(
    collection: string,
    key: string,
    subresource: string,
    change: ApiObject,
    replace: boolean,
    mayCreate: boolean,
  ): Answer {
    const before = this.get(collection, key);
    if (before === undefined) return mayCreate ? this.#create(collection, change) : { status: 404 };
    const { resourceVersion } = change.metadata ?? {};
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) return { status: 409 };
    const fields = replace ? change : (merge(before, change) as ApiObject);
    const next =
      subresource === 'status' ? { ...before, status: fields['status'] } : { ...fields, status: before['status'] };
    const metadata = { ...before.metadata, ...fields.metadata };
    return { status: 200, body: this.put(collection, { ...next, metadata }) };
  }

  #collection(path: string): Map<string, ApiObject> {
    const found = this.#collections.get(path) ?? new Map<string, ApiObject>();
    this.#collections.set(path, found);
    return found;
  }

  #emit(event: StoredEvent): void {
    this.#log.push(event);
    for (const listener of this.#listeners) listener(event);
  }
}

function keyOf({ metadata }: ApiObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

function sameSpec(before: ApiObject | undefined, after: ApiObject): boolean {
  return before !== undefined && JSON.stringify(before['spec']) === JSON.stringify(after['spec']);
}

/** RFC 7396. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}
