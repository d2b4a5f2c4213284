import type { Destination } from '../state/entries.ts';

/** Where destinations are found, and asked for if nobody has yet: what resolvers see of the state. */
export interface Destinations {
  destination(ip: string, port: number): Destination;
}

/** Somewhere that a client wanted to reach. `ip` in the form of RFC 5952. */
interface Reached {
  readonly ip: string;
  readonly port: number;
}

/** Says once, when a connection is accepted, what it and all its requests are for. The connection waits for the answer (`entry` null), then goes on. */
export interface Resolver {
  resolve(reached: Reached, destinations: Destinations): Destination;
}
