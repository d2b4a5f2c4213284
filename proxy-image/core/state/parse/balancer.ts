import type { Balancer, HashKey } from '../../../contract/policy/balancer.ts';
import { EWMA_DEFAULTS } from '../../../contract/policy/balancer.ts';
import type { Fields, Reader } from '../../../contract/read/reader.ts';

export const DEFAULT_BALANCER: Balancer = { type: 'ewma', ...EWMA_DEFAULTS };

const TYPES = ['ewma', 'roundRobin', 'leastLoaded', 'aperture', 'consistentHash'] as const;
const MAX_MS = 3_600_000;
const MAX_APERTURE = 100_000;

/** A balancer of a newer contract is replaced by the default: which endpoint of a Service answers is no question of safety. */
export function parseBalancer(reader: Reader, value: unknown): Balancer {
  const fields = reader.object(value, 'balancer');
  const type = reader.oneOf(fields['type'], 'balancer.type', TYPES, 'ewma');
  if (type !== fields['type']) return DEFAULT_BALANCER;
  switch (type) {
    case 'roundRobin':
    case 'leastLoaded':
      return { type };
    case 'ewma':
      return { type, ...parseEwma(reader, fields) };
    case 'aperture': {
      const endpoints = reader.integer(fields['endpoints'], 'balancer.endpoints', 1, MAX_APERTURE);
      return { type, ...parseEwma(reader, fields), endpoints };
    }
    case 'consistentHash': {
      const key = parseHashKey(reader, fields['key']);
      return key === null ? DEFAULT_BALANCER : { type, key };
    }
  }
}

function parseEwma(reader: Reader, fields: Fields): { defaultRttMs: number; decayMs: number } {
  return {
    defaultRttMs: reader.number(fields['defaultRttMs'], 'balancer.defaultRttMs', 0, MAX_MS),
    decayMs: reader.number(fields['decayMs'], 'balancer.decayMs', 1, MAX_MS),
  };
}

/** `null`: of an unknown type. */
function parseHashKey(reader: Reader, value: unknown): HashKey | null {
  const fields = reader.object(value, 'balancer.key');
  const type = reader.oneOf(fields['type'], 'balancer.key.type', ['header', 'cookie', 'source'], 'source');
  if (type !== fields['type']) return null;
  return type === 'source' ? { type } : { type, name: reader.text(fields['name'], 'balancer.key.name') };
}
