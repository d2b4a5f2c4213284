import type { Resolver } from './resolver.ts';

/** Whatever is at the address that the client wanted: for connections that were redirected. */
export const BY_ADDRESS: Resolver = {
  resolve: ({ ip, port }, destinations) => destinations.destination(ip, port),
};
