/**
 * Kept for what is not a client's: listeners, the runtime itself, the control plane's connections, probes and scrapes on the admin port, and connections that are
 * accepted only to be refused.
 */
export const RESERVED_DESCRIPTORS = 128;
/** A client's own connection, the one behind it, and a kept or closing one of an earlier peak. */
const DESCRIPTORS_PER_CLIENT = 3;
/** Outbound and inbound: each may be at its limit. */
const SIDES = 2;
/** However low the limit of the process is, somebody must be served. */
const FEWEST_CLIENTS = 16;

/**
 * Client connections that a process with `maxFds` descriptors (0 = unknown or unlimited) may hold on each side, at most `wanted`. Without a free descriptor the runtime could
 * neither accept nor refuse, would be told of the waiting connection again at once, and would spin; so it is never let come to that.
 */
export function connectionLimit(maxFds: number, wanted: number): number {
  if (maxFds === 0) return wanted;
  const affordable = Math.floor((maxFds - RESERVED_DESCRIPTORS) / (DESCRIPTORS_PER_CLIENT * SIDES));
  return Math.min(wanted, Math.max(FEWEST_CLIENTS, affordable));
}
