import { formatKey } from '../../contract/keys.ts';
import type { EndpointPool } from '../balance/pool.ts';
import type { Destination, DestinationEntry, DestinationWatcher } from './entries.ts';

/** The concrete place of an original destination. */
export class DestinationSlot implements Destination {
  readonly key: string;
  readonly ip: string;
  readonly port: number;
  entry: DestinationEntry | null = null;
  lastUsedMs: number;
  readonly watchers = new Set<DestinationWatcher>();

  constructor(ip: string, port: number, nowMs: number) {
    this.key = formatKey({ kind: 'service', ip, port });
    this.ip = ip;
    this.port = port;
    this.lastUsedMs = nowMs;
  }
}

interface Announcement {
  readonly slot: DestinationSlot;
  readonly previous: DestinationEntry | null;
}

/** All original destinations that are held, at most `capacity`. */
export class DestinationTable {
  readonly #byIp = new Map<string, Map<number, DestinationSlot>>();
  readonly #capacity: number;
  readonly #announcements: Announcement[] = [];
  #size = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  find(ip: string, port: number): DestinationSlot | undefined {
    return this.#byIp.get(ip)?.get(port);
  }

  get full(): boolean {
    return this.#size >= this.#capacity;
  }

  add(slot: DestinationSlot): void {
    let ports = this.#byIp.get(slot.ip);
    if (ports === undefined) {
      ports = new Map();
      this.#byIp.set(slot.ip, ports);
    }
    ports.set(slot.port, slot);
    this.#size++;
  }

  remove(slot: DestinationSlot): void {
    const ports = this.#byIp.get(slot.ip);
    if (ports?.delete(slot.port) !== true) return;
    if (ports.size === 0) this.#byIp.delete(slot.ip);
    this.#size--;
  }

  *slots(): Generator<DestinationSlot> {
    for (const ports of this.#byIp.values()) yield* ports.values();
  }

  /** Puts a new answer in place; watchers hear of it by `announce`, when the whole batch has taken effect. */
  answer(slot: DestinationSlot, entry: DestinationEntry | null): void {
    const previous = slot.entry;
    slot.entry = entry;
    if (answersDiffer(previous, entry) && slot.watchers.size > 0) this.#announcements.push({ slot, previous });
  }

  announce(): void {
    for (const { slot, previous } of this.#announcements.splice(0)) {
      // A copy, because a watcher may end connections, which unwatch, and others may begin; those that are gone by then are not told.
      for (const watcher of [...slot.watchers]) {
        if (slot.watchers.has(watcher)) watcher.destinationChanged(slot, previous);
      }
    }
  }

  /** Of Services that say nothing of their protocol themselves, those with endpoints in one of `pools`. */
  announceProtocol(pools: ReadonlySet<EndpointPool>): void {
    for (const slot of this.slots()) {
      const { entry, watchers } = slot;
      if (watchers.size === 0 || entry?.kind !== 'service' || entry.protocol !== 'detect') continue;
      if (!entry.backends.some(({ dispatch }) => dispatch.type === 'balance' && pools.has(dispatch.pool))) continue;
      for (const watcher of [...watchers]) if (watchers.has(watcher)) watcher.protocolChanged(slot);
    }
  }

  /** Slots without watchers, unused since `beforeMs`; the longest unused first. */
  idle(beforeMs: number): DestinationSlot[] {
    const found: DestinationSlot[] = [];
    for (const slot of this.slots()) {
      if (slot.watchers.size === 0 && slot.lastUsedMs <= beforeMs) found.push(slot);
    }
    return found.sort((a, b) => a.lastUsedMs - b.lastUsedMs);
  }
}

/** Whether connections made under one answer must not go on under the other. */
function answersDiffer(a: DestinationEntry | null, b: DestinationEntry | null): boolean {
  if (a === null || b === null) return a !== b;
  return a.kind !== b.kind || declaredProtocol(a) !== declaredProtocol(b);
}

/** Of the answer itself: what endpoints say of theirs counts for new connections only, for both kinds of old ones go on as they are. */
function declaredProtocol(entry: DestinationEntry): string {
  return entry.kind === 'forbidden' ? '' : entry.protocol;
}
