/** What the runtime needs of any object of the API. */
export interface RawObject {
  metadata?: {
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    /** RFC 3339, or as a client has read it. */
    creationTimestamp?: string | Date;
    managedFields?: { time?: string | Date }[];
  };
}

/** What stands beside the items of a page. */
export interface ListPage {
  /** Version of the list (not of an item). */
  resourceVersion: string;
  /** Empty on the last page. */
  continueToken: string;
}

export interface ListOptions {
  /** `'0'` = any version the server has at hand, `''` = the newest (a consistent read). Ignored when `continueToken` is set. */
  resourceVersion: string;
  continueToken: string;
  limit: number;
  signal: AbortSignal;
}

export interface WatchOptions {
  /** Events after this version. */
  resourceVersion: string;
  /** After so long the server closes the stream. */
  timeoutSeconds: number;
  signal: AbortSignal;
}

export interface WatchObserver<Raw> {
  /** The server accepted the watch. */
  opened(): void;
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', object: Raw): void;
}

/**
 * Access to one kind, declared here and implemented by the client. Both reject with a `RequestError`; an in-stream ERROR event is a rejection
 * as well. `watch` asks for bookmarks, calls the observer within the tick in which the bytes arrived, and resolves when the server closed the stream.
 */
export interface ListWatch<Raw extends RawObject> {
  /** Calls `item` with each as it comes: where the API server sends thousands at once, they are not all there at the same time. */
  list(options: ListOptions, item: (object: Raw) => void): Promise<ListPage>;
  watch(options: WatchOptions, observer: WatchObserver<Raw>): Promise<void>;
}

/** `namespace/name`, or `name` for what has no namespace. */
export function objectKey(object: RawObject): string {
  const { namespace = '', name = '' } = object.metadata ?? {};
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** The parts of a key; `namespace` is empty for cluster-scoped objects. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/');
  return slash === -1 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
