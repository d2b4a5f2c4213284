import type { Fields, Reader } from '../read/reader.ts';

/** What requests are told apart by. `source`: the address of the connection's client, which is the pod itself behind a sidecar. */
export type HashKey = { type: 'header'; name: string } | { type: 'cookie'; name: string } | { type: 'source' };

/**
 * How one endpoint among many is chosen. A proxy that does not know a type uses `ewma` and reports it.
 * `ewma`: of two random endpoints the one with the lower peak-EWMA of latency times requests under way. `leastLoaded`: the one with fewer requests
 * under way. `aperture`: `ewma` among `endpoints` of them, other ones for each client. `consistentHash`: equal keys, equal endpoint.
 */
export type Balancer =
  | { type: 'ewma'; defaultRttMs: number; decayMs: number }
  | { type: 'roundRobin' }
  | { type: 'leastLoaded' }
  | { type: 'aperture'; defaultRttMs: number; decayMs: number; endpoints: number }
  | { type: 'consistentHash'; key: HashKey };

/** linkerd2-proxy: peak-EWMA. */
export const EWMA_DEFAULTS = { defaultRttMs: 30, decayMs: 10_000 } as const;

/** Finagle's smallest aperture. */
export const APERTURE_ENDPOINTS = 12;

export const DEFAULT_BALANCER: Balancer = { type: 'ewma', ...EWMA_DEFAULTS };

const TYPES = ['ewma', 'roundRobin', 'leastLoaded', 'aperture', 'consistentHash'] as const;
const MAX_MS = 3_600_000;
const MAX_APERTURE = 100_000;

/** A balancer of a newer contract is replaced by the default: which endpoint of a Service answers is no question of safety. */
export function readBalancer(reader: Reader, value: unknown, path: string): Balancer {
  const fields = reader.object(value, path);
  const type = reader.oneOf(fields['type'], `${path}.type`, TYPES, 'ewma');
  if (type !== fields['type']) return DEFAULT_BALANCER;
  switch (type) {
    case 'roundRobin':
    case 'leastLoaded':
      return { type };
    case 'ewma':
      return { type, ...readEwma(reader, fields, path) };
    case 'aperture': {
      const endpoints = reader.integerOf(fields, path, 'endpoints', 1, MAX_APERTURE);
      return { type, ...readEwma(reader, fields, path), endpoints };
    }
    case 'consistentHash': {
      const key = readHashKey(reader, fields['key'], `${path}.key`);
      return key === null ? DEFAULT_BALANCER : { type, key };
    }
  }
}

function readEwma(reader: Reader, fields: Fields, path: string): { defaultRttMs: number; decayMs: number } {
  return {
    defaultRttMs: reader.number(fields['defaultRttMs'], `${path}.defaultRttMs`, 0, MAX_MS),
    decayMs: reader.number(fields['decayMs'], `${path}.decayMs`, 1, MAX_MS),
  };
}

/** `null`: of an unknown type. */
function readHashKey(reader: Reader, value: unknown, path: string): HashKey | null {
  const fields = reader.object(value, path);
  const type = reader.oneOf(fields['type'], `${path}.type`, ['header', 'cookie', 'source'], 'source');
  if (type !== fields['type']) return null;
  return type === 'source' ? { type } : { type, name: reader.textOf(fields, path, 'name') };
}
