/** A connection as a server of Node hands it over, before TLS or after. */
export interface ServedSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

/** `made_room`: it had not asked for anything, and another needed its place; `no_room`: everybody else's connection was at work. */
export type PlaceRefusal = 'made_room' | 'no_room';

/**
 * Why the handshake failed. `null`: the client has left, or was ended for another's sake, which Node calls a failed handshake too; but so it calls a client whose
 * certificate it did not accept, and only the socket tells. `authorizationError` is that socket's.
 */
export function handshakeRefusal(
  error: Error & { code?: string },
  authorizationError: unknown = null,
): ServerRefusal | null {
  if (error.code === 'ECONNRESET') return authorizationError ? 'handshake' : null;
  return error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT' ? 'timeout' : 'handshake';
}

export interface ConnectionPlacesOptions {
  /** Connections of a server, all together. */
  limit: number;
  /** Those that have not asked for anything yet. */
  waiting: number;
  refused(reason: PlaceRefusal): void;
}

/** Why a server of ours refuses a connection. `protocol`: another than the server's. `timeout`: no handshake or no whole request in time. */
export type ServerRefusal = PlaceRefusal | 'handshake' | 'protocol' | 'timeout';

interface Placed {
  readonly socket: ServedSocket;
  readonly address: string;
}

/**
 * So many connections may a server of ours have, and nobody who comes is refused for those that keep silent: in a full one the connection that has waited longest is
 * ended, of the address that has most waiting. Waiting is whatever has no request under way; TLS handshakes are.
 */
export class ConnectionPlaces {
  readonly #options: ConnectionPlacesOptions;
  /** By address and port; those that wait in the order in which they began to. */
  readonly #waiting = new Map<string, Placed>();
  readonly #working = new Map<string, Placed>();
  /** Of those that wait, by address. */
  readonly #counts = new Map<string, number>();

  constructor(options: ConnectionPlacesOptions) {
    this.#options = options;
  }

  /** It may be destroyed within the call. */
  add(socket: ServedSocket): void {
    const { limit, waiting, refused } = this.#options;
    const full = this.#waiting.size + this.#working.size >= limit;
    if ((full || this.#waiting.size >= waiting) && !this.#makeRoom()) {
      refused('no_room');
      socket.destroy();
      return;
    }
    const key = keyOf(socket);
    this.#wait(key, { socket, address: socket.remoteAddress ?? '' });
    socket.once('close', () => {
      this.#working.delete(key);
      this.#stopWaiting(key);
    });
  }

  /** A request is under way on it: nobody makes it go. */
  works(socket: ServedSocket): void {
    const key = keyOf(socket);
    const placed = this.#stopWaiting(key);
    if (placed !== undefined) this.#working.set(key, placed);
  }

  /** It waits for the next request. */
  waits(socket: ServedSocket): void {
    const key = keyOf(socket);
    const placed = this.#working.get(key);
    if (placed === undefined) return;
    this.#working.delete(key);
    this.#wait(key, placed);
  }

  #wait(key: string, placed: Placed): void {
    this.#waiting.set(key, placed);
    this.#counts.set(placed.address, (this.#counts.get(placed.address) ?? 0) + 1);
  }

  #stopWaiting(key: string): Placed | undefined {
    const placed = this.#waiting.get(key);
    if (placed === undefined) return undefined;
    this.#waiting.delete(key);
    const left = this.#counts.get(placed.address)! - 1;
    if (left > 0) this.#counts.set(placed.address, left);
    else this.#counts.delete(placed.address);
    return placed;
  }

  #makeRoom(): boolean {
    const most = Math.max(0, ...this.#counts.values());
    for (const [key, { socket, address }] of this.#waiting) {
      if (this.#counts.get(address) !== most) continue;
      this.#stopWaiting(key);
      this.#options.refused('made_room');
      socket.destroy();
      return true;
    }
    return false;
  }
}

function keyOf({ remoteAddress, remotePort }: ServedSocket): string {
  return `${remoteAddress} ${remotePort}`;
}
