import type { ObjectRef, ObjectRefText } from '../../crds/state/object-ref.ts';
import type { Programmed } from '../status/programmed.ts';

export interface Connections {
  connected: number;
  /** Without any change on the way or waiting. */
  current: number;
}

/** Told at once, while what is told of may still be under way: to be noted, and looked at later. */
export interface FactsWatcher {
  /** What `programmed` says of them may be another thing. */
  objects(objects: Iterable<ObjectRefText>): void;
  /** It has connected, connected anew, or is gone. */
  proxy(name: string): void;
}

/** What the configuration server knows of the proxies that are connected to it. Times are monotonic. */
export interface ProxyFacts {
  /** All that something was made from that a proxy has, or shall have. */
  objects(): Iterable<ObjectRefText>;
  programmed(object: ObjectRef): Programmed;
  connections(): Connections;
  /** `namespace/pod` */
  proxies(): Iterable<string>;
  /** `null`: it is not connected. */
  connectedSinceMs(proxy: string): number | null;
  /** Something is still to be compiled: what is said of objects may not be of the state that the stores have. */
  readonly stale: boolean;
  /** Returns how to stop. */
  watch(watcher: FactsWatcher): () => void;
  /** The proxy has connected to another replica at `sinceMs`. A connection from before is over, whatever this side still believes. */
  connectedElsewhere(proxy: string, sinceMs: number): void;
  /**
   * Asks so many proxies to connect anew, to whichever replica that leads them: none that has connected within `minAgeMs`, and none to which something is on the way.
   * Returns how many there were.
   */
  move(count: number, minAgeMs: number): number;
}
