/** Whoever waits in a gate, and may have to make room. */
export interface Waiting {
  /** It has lost its place (it is not to `leave`) to somebody who came later: its connection ends. Called within somebody else's `enter`. */
  shed(): void;
}

/** One place in a gate, linked into the lists of everybody and of its peer: there is one for each that waits, and none for whoever has got through. */
export class Place {
  readonly waiting: Waiting;
  peer: Peer | null = null;
  sinceMs = 0;
  older: Place | null = null;
  newer: Place | null = null;
  olderOfPeer: Place | null = null;
  newerOfPeer: Place | null = null;

  constructor(waiting: Waiting) {
    this.waiting = waiting;
  }
}

/** Those of one peer, linked with the peers that have as many. */
class Peer {
  key = '';
  count = 0;
  oldest: Place | null = null;
  newest: Place | null = null;
  before: Peer | null = null;
  after: Peer | null = null;
}

/**
 * Whoever speaks within this time of coming is not the one that makes room, as long as no more than a gate's limit come in it: a caller that opens many
 * connections at once, all of which will speak, may for a moment hold more places than an attacker with many addresses.
 */
const SPARED_MS = 1000;
/** Records of peers that are kept for the next ones: most come and go one by one. */
const MAX_SPARE_PEERS = 64;

/**
 * Those that have not yet said what they must, and cost something meanwhile: so many at most. Nobody who comes is refused; in a full gate the one that has
 * waited longest makes room, of the peer that holds most places. Entering and leaving cost the same whatever the number that waits.
 */
export class Gate {
  readonly #limit: number;
  readonly #peers = new Map<string, Peer>();
  readonly #spare: Peer[] = [];
  #inside = 0;
  #oldest: Place | null = null;
  #newest: Place | null = null;
  /** By the number of their places: first and last of the peers that have so many, in the order in which they came to have them. */
  readonly #first: (Peer | null)[] = [];
  readonly #last: (Peer | null)[] = [];
  /** Places of the peer that holds most. */
  #most = 0;

  /** `limit` ≥ 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get inside(): number {
    return this.#inside;
  }

  /** `place` waits from now on, until it leaves or is shed. `peer`: see `peerOf`. `nowMs` is monotonic. */
  enter(place: Place, peer: string, nowMs: number): void {
    if (this.#inside >= this.#limit) this.#shed(nowMs);
    this.#inside++;
    place.sinceMs = nowMs;
    place.older = this.#newest;
    if (this.#newest === null) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
    this.#enterPeer(place, this.#peers.get(peer) ?? this.#newPeer(peer));
  }

  /** Without effect where it does not wait (any more). */
  leave(place: Place): void {
    const { peer, older, newer } = place;
    if (peer === null) return;
    this.#inside--;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    place.older = null;
    place.newer = null;
    this.#leavePeer(place, peer);
  }

  #shed(nowMs: number): void {
    const ofHeaviest = this.#first[this.#most]!.oldest!;
    const oldest = this.#oldest!;
    const spared = nowMs - ofHeaviest.sinceMs < SPARED_MS && nowMs - oldest.sinceMs >= SPARED_MS;
    const place = spared ? oldest : ofHeaviest;
    this.leave(place);
    place.waiting.shed();
  }

  #newPeer(key: string): Peer {
    const peer = this.#spare.pop() ?? new Peer();
    peer.key = key;
    this.#peers.set(key, peer);
    return peer;
  }

  #enterPeer(place: Place, peer: Peer): void {
    place.peer = peer;
    place.olderOfPeer = peer.newest;
    if (peer.newest === null) peer.oldest = place;
    else peer.newest.newerOfPeer = place;
    peer.newest = place;
    this.#count(peer, peer.count + 1);
  }

  #leavePeer(place: Place, peer: Peer): void {
    const { olderOfPeer: older, newerOfPeer: newer } = place;
    if (older === null) peer.oldest = newer;
    else older.newerOfPeer = newer;
    if (newer === null) peer.newest = older;
    else newer.olderOfPeer = older;
    place.peer = null;
    place.olderOfPeer = null;
    place.newerOfPeer = null;
    this.#count(peer, peer.count - 1);
    if (peer.count > 0) return;
    this.#peers.delete(peer.key);
    if (this.#spare.length < MAX_SPARE_PEERS) this.#spare.push(peer);
  }

  /** Moves the peer among those with `count` places, which is one more or one fewer than it had. */
  #count(peer: Peer, count: number): void {
    if (peer.count > 0) this.#unlink(peer);
    peer.count = count;
    if (count > 0) this.#link(peer);
    if (count > this.#most) this.#most = count;
    // It was one of those with most, and the last of them: it has one fewer now, and nobody has more.
    else if (this.#most > 0 && (this.#first[this.#most] ?? null) === null) this.#most--;
  }

  #link(peer: Peer): void {
    const last = this.#last[peer.count] ?? null;
    peer.before = last;
    if (last === null) this.#first[peer.count] = peer;
    else last.after = peer;
    this.#last[peer.count] = peer;
  }

  #unlink(peer: Peer): void {
    const { before, after, count } = peer;
    if (before === null) this.#first[count] = after;
    else before.after = after;
    if (after === null) this.#last[count] = before;
    else after.before = before;
    peer.before = null;
    peer.after = null;
  }
}
