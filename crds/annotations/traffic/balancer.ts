import type { Balancer, HashKey } from '../../../proxy-image/contract/resources.ts';
import { APERTURE_ENDPOINTS, EWMA_DEFAULTS } from '../../../proxy-image/contract/service-defaults.ts';
import type { AnnotationReader } from './reader.ts';

const ALGORITHM = 'balancer.weft.dev/algorithm';
const HASH_KEY = 'balancer.weft.dev/hash-key';
const SLOW_START = 'balancer.weft.dev/slow-start';

const ALGORITHMS = ['ewma', 'least-loaded', 'round-robin', 'aperture', 'consistent-hash'] as const;

/** A token (RFC 9110, section 5.6.2): field names and cookie names are tokens. */
const KEYED = /^(header|cookie):([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})$/;

/** `fallback`: that of the Mesh. */
export function parseBalancer(reader: AnnotationReader, fallback: Balancer): Balancer {
  const algorithm = reader.oneOf(ALGORITHM, ALGORITHMS);
  const key = parseHashKey(reader);
  if (key !== undefined && algorithm !== 'consistent-hash') {
    reader.problems.warning(
      `metadata.annotations[${HASH_KEY}]`,
      `has an effect only with ${ALGORITHM}: consistent-hash`,
    );
  }
  const ewma = fallback.type === 'ewma' ? fallback : { type: 'ewma' as const, ...EWMA_DEFAULTS };
  switch (algorithm) {
    case undefined:
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
      if (key !== undefined) return { type: 'consistentHash', key };
      if (reader.text(HASH_KEY) === undefined) reader.refuse(ALGORITHM, `needs ${HASH_KEY}`);
      return fallback;
  }
}

export function parseSlowStart(reader: AnnotationReader): number | undefined {
  return reader.durationMs(SLOW_START, 0);
}

function parseHashKey(reader: AnnotationReader): HashKey | undefined {
  const text = reader.text(HASH_KEY);
  if (text === undefined) return undefined;
  if (text === 'source') return { type: 'source' };
  const match = KEYED.exec(text);
  if (match === null) return reader.refuse(HASH_KEY, 'must be header:<name>, cookie:<name> or source');
  const name = match[2]!;
  return match[1] === 'header' ? { type: 'header', name: name.toLowerCase() } : { type: 'cookie', name };
}
