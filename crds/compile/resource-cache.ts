import { formatKey, type ResourceKey } from '../../proxy-image/contract/keys.ts';
import type { EndpointsResource, ResourceBody, TrustResource } from '../../proxy-image/contract/resources.ts';
import type { ClusterState } from '../state/cluster-state.ts';
import { getOrCreate } from '../state/get-or-create.ts';
import type { ObjectRefText } from '../state/object-ref.ts';
import { newestRevision } from '../state/order.ts';
import { Readers } from '../state/readers.ts';
import { recording } from '../state/recording.ts';
import type { ReadKey } from '../state/view.ts';
import { type Compiled, compile } from './compile.ts';
import { destinationView } from './service.ts';

/** What is kept of a compiled resource for as long as somebody subscribes to it. */
export interface Kept extends Omit<Compiled, 'body'> {
  /** Of what is looked at again. `null` for services and workloads, of which there are most: `bodyOf` reads the text. */
  body: EndpointsResource | TrustResource | null;
}

export function bodyOf({ body, text }: Kept): ResourceBody {
  return body ?? JSON.parse(text);
}

/** One key as one namespace view sees it: compiled once, however many subscribe. */
export interface Resource<S> {
  readonly key: ResourceKey;
  readonly keyText: string;
  /** A client namespace, or `''` (see `destinationView`). */
  readonly view: string;
  /** The last state; kept while there is nothing to say any more (a deleted pod still drains). */
  compiled: Kept | null;
  /** Never falls, even when a later state reads fewer objects. */
  sources: string;
  uses: ReadonlySet<ObjectRefText>;
  /** How many it has had. */
  versions: number;
  readonly audiences: Set<Audience<S>>;
}

/** The subscribers of one key, of a service in one client namespace; all of them see the same resource. */
export interface Audience<S> {
  readonly key: ResourceKey;
  readonly keyText: string;
  /** Empty where it has no say. */
  readonly clientNamespace: string;
  readonly subscribers: Set<S>;
  resource: Resource<S>;
  /** How new the objects were that decided between the views; beside `resource.sources`, for the shared view knows nothing of a deleted profile. */
  sources: string;
}

export interface CacheEvents<S> {
  /** A resource has a new version; `previous` is null for its first. */
  changed?(resource: Resource<S>, previous: Kept | null): void;
  compiled?(resource: Resource<S>, changed: boolean, durationMs: number): void;
  /** Other subscribers than before have something that these objects took part in, or will have. */
  used?(objects: Iterable<ObjectRefText>): void;
  /** A defect: the resource keeps its last state, and is compiled again when something that it read changes. */
  failed?(resource: Resource<S>, error: Error): void;
  /** Monotonic milliseconds, to time compilations. */
  now?(): number;
}

interface View {
  view: string;
  reads: ReadonlySet<ReadKey>;
  sources: string;
}

type Reader<S> = Resource<S> | Audience<S>;

/**
 * Resources that somebody subscribes to, each recompiled only when something it read has changed. A subscriber of the operator's stream server is a session;
 * direct mode, with one subscriber, compiles by itself.
 */
export class ResourceCache<S> {
  readonly #state: ClusterState;
  readonly #events: CacheEvents<S>;
  readonly #resources = new Map<string, Resource<S>>();
  readonly #audiences = new Map<string, Audience<S>>();
  readonly #readers = new Readers<Reader<S>>();
  readonly #users = new Readers<Resource<S>>();
  readonly #stale = new Set<Reader<S>>();

  constructor(state: ClusterState, events: CacheEvents<S> = {}) {
    this.#state = state;
    this.#events = events;
  }

  /** The audience of `key` in a namespace, with `subscriber` added; the resource is compiled when this is the first. */
  subscribe(key: ResourceKey, clientNamespace: string, subscriber: S): Audience<S> {
    const keyText = formatKey(key);
    const namespace = dependsOnClient(key) ? clientNamespace : '';
    const audience = getOrCreate(this.#audiences, viewed(keyText, namespace), () => {
      return this.#createAudience(key, keyText, namespace);
    });
    audience.subscribers.add(subscriber);
    return audience;
  }

  unsubscribe(audience: Audience<S>, subscriber: S): void {
    audience.subscribers.delete(subscriber);
    if (audience.subscribers.size > 0) return;
    this.#audiences.delete(viewed(audience.keyText, audience.clientNamespace));
    this.#readers.forget(audience);
    this.#stale.delete(audience);
    this.#leave(audience);
  }

  /** Marks what has read one of `reads`; nothing is compiled yet, so that a burst costs one compilation per resource. */
  invalidate(reads: Iterable<ReadKey>): void {
    for (const read of reads) for (const reader of this.#readers.of(read)) this.#stale.add(reader);
  }

  get stale(): boolean {
    return this.#stale.size > 0;
  }

  /** Recompiles stale resources while `more` allows it, at least one. Returns the audiences that see another version than before. */
  refresh(more: () => boolean = () => true): Set<Audience<S>> {
    const changed = new Set<Audience<S>>();
    for (const reader of this.#stale) {
      this.#stale.delete(reader);
      if ('audiences' in reader) this.#refreshResource(reader, changed);
      else this.#refreshAudience(reader, changed);
      if (!more()) break;
    }
    return changed;
  }

  /** Brings `sources` up to date: an object that was written again with the same meaning recompiles nothing, but has been seen. */
  refreshSources(resource: Resource<S>): void {
    const { compiled } = compile(this.#state, resource.key, resource.view);
    if (compiled?.version !== resource.compiled?.version) return;
    resource.sources = newestRevision(resource.sources, compiled?.sources ?? '');
  }

  /** Resources that a custom resource takes part in. */
  using(object: ObjectRefText): Iterable<Resource<S>> {
    return this.#users.of(object);
  }

  get resources(): Iterable<Resource<S>> {
    return this.#resources.values();
  }

  get size(): { resources: number; audiences: number } {
    return { resources: this.#resources.size, audiences: this.#audiences.size };
  }

  #createAudience(key: ResourceKey, keyText: string, clientNamespace: string): Audience<S> {
    const { view, reads, sources } = this.#viewOf(key, clientNamespace);
    const resource = this.#resource(key, keyText, view);
    const audience: Audience<S> = {
      // Those of the resource: there may be one audience for each namespace.
      key: resource.key,
      keyText: resource.keyText,
      clientNamespace,
      subscribers: new Set(),
      resource,
      sources,
    };
    resource.audiences.add(audience);
    if (reads.size > 0) this.#readers.replace(audience, reads);
    return audience;
  }

  #viewOf(key: ResourceKey, clientNamespace: string): View {
    if (!dependsOnClient(key)) return { view: '', reads: NO_READS, sources: '0' };
    const record = recording(this.#state);
    const view = destinationView(record.view, key, clientNamespace);
    return { view, reads: record.reads, sources: record.sources() };
  }

  #resource(key: ResourceKey, keyText: string, view: string): Resource<S> {
    return getOrCreate(this.#resources, viewed(keyText, view), () => {
      const resource: Resource<S> = {
        key,
        keyText,
        view,
        versions: 0,
        compiled: null,
        sources: '0',
        uses: new Set(),
        audiences: new Set(),
      };
      this.#compile(resource);
      return resource;
    });
  }

  #refreshAudience(audience: Audience<S>, changed: Set<Audience<S>>): void {
    const { view, reads, sources } = this.#viewOf(audience.key, audience.clientNamespace);
    this.#readers.replace(audience, reads);
    audience.sources = newestRevision(audience.sources, sources);
    if (view === audience.resource.view) return;
    const before = audience.resource;
    this.#leave(audience);
    audience.resource = this.#resource(audience.key, audience.keyText, view);
    audience.resource.audiences.add(audience);
    this.#events.used?.([...before.uses, ...audience.resource.uses]);
    if (audience.resource.compiled?.version !== before.compiled?.version) changed.add(audience);
  }

  #refreshResource(resource: Resource<S>, changed: Set<Audience<S>>): void {
    if (this.#compile(resource)) for (const audience of resource.audiences) changed.add(audience);
  }

  #leave(audience: Audience<S>): void {
    const { resource } = audience;
    resource.audiences.delete(audience);
    if (resource.audiences.size > 0) return;
    this.#resources.delete(viewed(resource.keyText, resource.view));
    this.#readers.forget(resource);
    this.#users.forget(resource);
    this.#stale.delete(resource);
  }

  /** True when the version is another one than before. */
  #compile(resource: Resource<S>): boolean {
    const startedMs = this.#events.now?.() ?? 0;
    const { compiled, reads, uses, failure } = compile(this.#state, resource.key, resource.view, resource.sources);
    this.#readers.replace(resource, reads);
    if (failure !== null) {
      this.#events.failed?.(resource, failure);
      return false;
    }
    const usedDifferently = [...without(uses, resource.uses), ...without(resource.uses, uses)];
    this.#users.replace(resource, uses);
    resource.uses = uses;
    if (usedDifferently.length > 0) this.#events.used?.(usedDifferently);
    const previous = resource.compiled;
    const changed = compiled !== null && compiled.version !== previous?.version;
    if (compiled !== null) resource.sources = newestRevision(resource.sources, compiled.sources);
    if (changed) {
      resource.compiled = kept(compiled);
      resource.versions += 1;
    }
    this.#events.compiled?.(resource, changed, (this.#events.now?.() ?? 0) - startedMs);
    if (changed) this.#events.changed?.(resource, previous);
    return changed;
  }
}

function kept({ body, ...compiled }: Compiled): Kept {
  return { ...compiled, body: 'endpoints' in body || 'anchorsPem' in body ? body : null };
}

const NO_READS: ReadonlySet<ReadKey> = new Set();

/** Whether clients of one namespace may see another resource than those of the next. */
function dependsOnClient(key: ResourceKey): key is Extract<ResourceKey, { kind: 'service' }> {
  return key.kind === 'service';
}

/** The text under which a key is filed as one namespace sees it. */
function viewed(keyText: string, namespace: string): string {
  return namespace === '' ? keyText : `${keyText} ${namespace}`;
}

function without(all: ReadonlySet<ObjectRefText>, these: ReadonlySet<ObjectRefText>): ObjectRefText[] {
  return [...all].filter((each) => !these.has(each));
}
