import type { Balancer, HashKey } from '../../proxy-image/contract/policy/balancer.ts';
import { APERTURE_ENDPOINTS, EWMA_DEFAULTS } from '../../proxy-image/contract/policy/balancer.ts';
import { invalid, quote, type Scalar, valid } from '../scalars/scalar.ts';
import { type Annotation, constant, type Place } from './annotation.ts';
import type { AnnotationReader } from './reader.ts';
import { trafficRow } from './traffic-row.ts';
import { choice, durationMs } from './values.ts';

const ON: readonly Place[] = ['service'];
const ALGORITHMS = ['ewma', 'least-loaded', 'round-robin', 'aperture', 'consistent-hash'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

/** A token (RFC 9110, section 5.6.2): field names and cookie names are tokens. */
const KEYED = /^(header|cookie):([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})$/;

export const BALANCER = {
  /** `null`: the Mesh's balancer as a whole, times included. */
  algorithm: trafficRow<Algorithm | null>(ON, 'balancer.weft.dev/algorithm', choice(...ALGORITHMS), {
    text: 'that of the [Mesh](reference/mesh.md), else `ewma`',
    value: () => null,
  }),
  hashKey: trafficRow<HashKey | null>(ON, 'balancer.weft.dev/hash-key', hashKey, constant(null, 'none')),
  slowStart: trafficRow(ON, 'balancer.weft.dev/slow-start', durationMs(0), constant<number>(0, '`0s`')),
} satisfies Record<string, Annotation<unknown>>;

/** `fallback`: that of the Mesh. */
export function readBalancer(reader: AnnotationReader, fallback: Balancer): Balancer {
  const [keyName] = BALANCER.hashKey.names;
  const [algorithmName] = BALANCER.algorithm.names;
  const algorithm = reader.value(BALANCER.algorithm);
  const key = reader.value(BALANCER.hashKey);
  if (key !== null && algorithm !== 'consistent-hash') {
    reader.report(BALANCER.hashKey, 'idle', `has an effect only with ${algorithmName}: consistent-hash`);
  }
  const ewma = fallback.type === 'ewma' ? fallback : { type: 'ewma' as const, ...EWMA_DEFAULTS };
  switch (algorithm) {
    case null:
      return fallback;
    case 'ewma':
      return ewma;
    case 'aperture':
      return {
        type: 'aperture',
        defaultRttMs: ewma.defaultRttMs,
        decayMs: ewma.decayMs,
        endpoints: APERTURE_ENDPOINTS,
      };
    case 'least-loaded':
      return { type: 'leastLoaded' };
    case 'round-robin':
      return { type: 'roundRobin' };
    case 'consistent-hash':
      if (key !== null) return { type: 'consistentHash', key };
      if (reader.textOf(BALANCER.hashKey) === undefined) {
        reader.report(BALANCER.algorithm, 'passedOver', `needs ${keyName}, not ${quote(algorithm)}`);
      }
      return fallback;
  }
}

function hashKey(text: string): Scalar<HashKey> {
  if (text === 'source') return valid({ type: 'source' });
  const match = KEYED.exec(text);
  if (match === null) return invalid(`must be header:<name>, cookie:<name> or source, not ${quote(text)}`);
  const name = match[2]!;
  return valid(match[1] === 'header' ? { type: 'header', name: name.toLowerCase() } : { type: 'cookie', name });
}
