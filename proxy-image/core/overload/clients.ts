import { below, type Rng } from '../rng.ts';

/** A client's connection, as far as it may have to make room for another. */
export interface Client {
  /** Where it is among the others; written by `Clients` only. */
  slot: number;
  /** The how-manieth it was; written by `Clients` only. */
  arrival: number;
  /** See `peerOf`. */
  readonly from: string;
  /** Nothing is under way on it: nobody misses it, or whoever does has not said yet what for. */
  readonly expendable: boolean;
  /** Goes now, as soon as can be. `removed` follows. */
  makeRoom(): void;
  /** Goes at once. */
  abort(): void;
}

/** Connections that are looked at for one that makes room: work for a connection in excess must be bounded. Where one in ten is expendable, 999 in 1,000 looks find one. */
const LOOKS = 64;
/** Of those that were told to go so many may still be on their way (HTTP/2 says goodbye, and waits for it to be read). Further ones are cut off. */
const MAX_LEAVING = 64;
const NOWHERE = -1;

/**
 * All client connections of one side, so many at most. A newcomer is refused only where nothing expendable is found; otherwise the oldest that is looked at makes
 * room, of the peer that has most of them. Nothing is kept per connection but its place in the array: while there is room, a connection costs no more than that.
 */
export class Clients<T extends Client> {
  readonly #limit: number;
  readonly #rng: Rng;
  readonly #present: T[] = [];
  /** While one is looked for that makes room. */
  readonly #looked: T[] = [];
  #leaving = 0;
  #arrivals = 0;

  constructor(limit: number, rng: Rng) {
    this.#limit = limit;
    this.#rng = rng;
  }

  /** Those on their way out included. */
  get size(): number {
    return this.#present.length + this.#leaving;
  }

  /** Whether another may come. Where there are too many, one makes room for it. */
  admits(): boolean {
    if (this.size < this.#limit) return true;
    const client = this.#expendable();
    if (client === null) return false;
    this.#take(client);
    client.slot = NOWHERE;
    this.#leaving++;
    if (this.#leaving > MAX_LEAVING) client.abort();
    else client.makeRoom();
    return true;
  }

  add(client: T): void {
    client.arrival = ++this.#arrivals;
    client.slot = this.#present.push(client) - 1;
  }

  /** It is gone. Once. */
  removed(client: T): void {
    if (client.slot === NOWHERE) this.#leaving--;
    else this.#take(client);
  }

  /** Those that were not told to go. */
  all(): T[] {
    return [...this.#present];
  }

  #take({ slot }: T): void {
    const last = this.#present.pop()!;
    if (last.slot === slot) return;
    this.#present[slot] = last;
    last.slot = slot;
  }

  /** Chance picks whom to look at: whoever knew the order could put what is busy in front of what is not. */
  #expendable(): T | null {
    const count = this.#present.length;
    const looks = Math.min(count, LOOKS);
    for (let i = 0; i < looks; i++) {
      const client = this.#present[count <= LOOKS ? i : below(this.#rng, count)]!;
      if (client.expendable) this.#looked.push(client);
    }
    const chosen = this.#looked.length === 0 ? null : this.#present[ofHeaviest(this.#looked).slot]!;
    this.#looked.length = 0;
    return chosen;
  }
}

/** The oldest of those that are from where most of them are from. */
function ofHeaviest(clients: readonly Client[]): Client {
  const counts = new Map<string, number>();
  for (const { from } of clients) counts.set(from, (counts.get(from) ?? 0) + 1);
  let chosen = clients[0]!;
  let most = 0;
  for (const client of clients) {
    const count = counts.get(client.from)!;
    if (count < most || (count === most && client.arrival >= chosen.arrival)) continue;
    chosen = client;
    most = count;
  }
  return chosen;
}
