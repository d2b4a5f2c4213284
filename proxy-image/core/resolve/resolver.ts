import type { Destination } from '../state/entries.ts';
import type { Name } from './name.ts';

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

/** Says of each request what it is for, by what it names: requests of one connection may be for several destinations. `null` = nothing has that name. */
export interface NameResolver {
  resolve(name: Name, destinations: Destinations): Destination | null;
}
