import type { TLSSocket } from 'node:tls';
import { peerCertificate } from '../../serve/certificate.ts';
import { type RequestHeaders, userOf, vouches } from './request-header.ts';
import type { User } from './rows.ts';

/**
 * Under this name (SNI) a replica of the control plane is asked by another. It is shown another certificate then, and has to show one of the mesh: what is trusted
 * for one kind of caller is nothing for the other. The name is never looked up.
 */
export const REPLICA_SERVER_NAME = 'replica.weft-viz.internal';

/** On behalf of whom a connection may ask. `nobody`: it has proved nothing that counts. */
export type Caller = { type: 'user'; user: User } | { type: 'replica' } | { type: 'nobody' };

export interface CallerRules {
  /** `null`: it is not known how an API server would prove itself. */
  requestHeaders(): RequestHeaders | null;
  /** Of the control plane, which every replica has. */
  ownIdentity(): string;
  wallMs(): number;
}

/** A connection with many requests is not verified anew for each: what a certificate proves changes with the time and the authorities. */
const VERIFIED_MS = 1_000;
const NOBODY: Caller = { type: 'nobody' };

interface Verified {
  settings: RequestHeaders;
  untilMs: number;
  holds: boolean;
}

/** Finds out who asks. Whoever connects past the API server, with whatever headers, is nobody. */
export class Callers {
  readonly #rules: CallerRules;
  readonly #verified = new WeakMap<TLSSocket, Verified>();

  constructor(rules: CallerRules) {
    this.#rules = rules;
  }

  of(socket: TLSSocket, rawHeaders: readonly string[]): Caller {
    if (!socket.authorized) return NOBODY;
    if (askedAsReplica(socket)) {
      return peerCertificate(socket)?.identity === this.#rules.ownIdentity() ? { type: 'replica' } : NOBODY;
    }
    const settings = this.#rules.requestHeaders();
    if (settings === null || !this.#holds(socket, settings)) return NOBODY;
    const user = userOf(settings, rawHeaders);
    return user === null ? NOBODY : { type: 'user', user };
  }

  #holds(socket: TLSSocket, settings: RequestHeaders): boolean {
    const nowMs = this.#rules.wallMs();
    const known = this.#verified.get(socket);
    if (known?.settings === settings && nowMs < known.untilMs && known.untilMs <= nowMs + VERIFIED_MS) {
      return known.holds;
    }
    const certificate = socket.getPeerX509Certificate();
    const holds = certificate !== undefined && vouches(settings, certificate, nowMs);
    this.#verified.set(socket, { settings, untilMs: nowMs + VERIFIED_MS, holds });
    return holds;
  }
}

/** By the name that the client has given in its handshake. */
function askedAsReplica({ servername }: TLSSocket & { servername?: string | false | null }): boolean {
  return servername === REPLICA_SERVER_NAME;
}
