import { isIP } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { parsePeerIp } from '../../../lib/ip.ts';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import { parseCidr } from '../../../proxy-image/core/net/cidr.ts';
import { toSafeJson } from '../../../proxy-image/io/telemetry/log.ts';
import {
  endpoint,
  endpointsKey,
  hostile,
  ManualClock,
  newState,
  portPolicy,
  route,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from '../../unit/core/fixtures.ts';

const web = endpointsKey('web');
const match = { type: 'all' as const, of: [{ type: 'path' as const, regex: '/a' }] };
const classes = [
  { match: { type: 'not' as const, of: { type: 'status' as const, min: 500, max: 599 } }, isFailure: true },
];

/** One good change of every kind: what a hostile one is made from. */
const GOOD: readonly Change[] = [
  set(SERVICE_KEY, service({ routes: [route('a', '/a', { match, responseClasses: classes })] })),
  set('service/10.0.0.9:80', {
    sources: '1',
    type: 'pod',
    namespace: 'n',
    pod: 'p',
    protocol: 'http1',
    endpoint: endpoint('10.0.0.9'),
  }),
  set(web, { sources: '1', endpoints: [endpoint('10.0.0.1')] }, 'e1'),
  set(WORKLOAD_KEY, workload({ '80': portPolicy({ profile: { dst: 'd', routes: [route('a', '/a')] } }) })),
  set('trust', { sources: '1', anchorsPem: '-----BEGIN CERTIFICATE-----' }),
  {
    op: 'patch',
    key: web,
    baseVersion: 'e1',
    version: 'e2',
    sources: '2',
    added: [],
    changed: [endpoint('10.0.0.1')],
    removed: [],
  },
];

/** Paths of every value inside a JSON value. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, entry]) => pathsOf(entry, [...path, key]))];
}

function replaced(value: unknown, path: readonly string[], by: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return by;
  const copy = structuredClone(value) as Record<string, unknown>;
  if (by === undefined && rest.length === 0) delete copy[key];
  else copy[key] = replaced(copy[key], rest, by);
  return copy;
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, '', 0, -1, 1e308, Number.NaN, true, [], {}, [[]], '*', '__proto__', '\0'),
  fc.jsonValue(),
);

const mutated = fc.constantFrom(...GOOD).chain((change) => {
  const places = pathsOf(change).filter((path) => path.length > 0 && path[0] !== 'key');
  return fc
    .tuple(fc.constant(change), fc.constantFrom(...places), junk)
    .map(([from, path, by]) => replaced(from, path, by));
});

describe('hostile configuration', () => {
  it('never throws, and keeps the last good value of what it refuses', () => {
    fc.assert(
      fc.property(fc.array(mutated, { minLength: 1, maxLength: 4 }), (changes) => {
        const state = newState(new ManualClock());
        expect(state.apply(GOOD.slice(0, 5))).to.deep.equal([]);
        for (const change of changes) {
          const before = state.persist();
          const rejected = state.apply([hostile<Change>(JSON.parse(JSON.stringify(change)))]);
          if (rejected.some((each) => each.applied === false)) expect(state.persist()).to.equal(before);
          const again = newState(new ManualClock());
          // What is held can be read back: a restart finds no worse than what was refused before.
          for (const each of again.restore(JSON.parse(state.persist()))) expect(each.applied).to.equal(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('reads any JSON as a snapshot, or says that it is none', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (value, body) => {
        const state = newState(new ManualClock());
        state.restore(value);
        expect(state.restore({ format: 1, resources: [{ key: SERVICE_KEY, version: 'v', body }] })).to.have.length(1);
      }),
    );
  });
});

describe('hostile text', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.ipV4Extended(),
    fc.string({ unit: fc.constantFrom('0', '1', '9', 'f', ':', '.', '::', '255', '/'), maxLength: 12 }),
    fc.string(),
  );

  it('is an IP address exactly where the platform says so', () => {
    fc.assert(
      fc.property(address, (text) => {
        fc.pre(!text.includes('%'));
        const width = { 0: null, 4: 4, 6: 16 }[isIP(text) as 0 | 4 | 6];
        const parsed = parsePeerIp(text);
        const mapped = width === 16 && parsed?.length === 4 && /ffff/i.test(text);
        if (!mapped) expect(parsed?.length ?? null).to.equal(width);
        parseCidr(text);
      }),
      { numRuns: 3000 },
    );
  });

  it('comes out of the log as it went in, without a control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = toSafeJson({ text });
        expect(JSON.parse(line).text).to.equal(text);
        expect(line).not.to.match(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});
