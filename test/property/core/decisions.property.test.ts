import { expect } from 'chai';
import fc from 'fast-check';
import { parsePeerIp } from '../../../lib/ip.ts';
import type { Authorization } from '../../../proxy-image/contract/resources.ts';
import { compileNetwork, contains } from '../../../proxy-image/core/net/cidr.ts';
import { authorizeConnection, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { TpsBudget } from '../../../proxy-image/core/retry/budget.ts';
import { below, Xoshiro } from '../../../proxy-image/core/rng.ts';
import { compilePattern } from '../../../proxy-image/core/route/pattern.ts';
import { compileSplit, pickShare } from '../../../proxy-image/core/split/split.ts';
import { entryOf } from '../../support/policy.ts';
import { noEngine, portPolicy, regexEngine, request, route, routeTable } from '../../unit/core/fixtures.ts';

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().filter((text) => parsePeerIp(text)?.length === 16);

describe('splits, any weights', () => {
  it('own exactly as many of the total integers as their weight', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 1, maxLength: 8 }), (weights) => {
        fc.pre(weights.some((weight) => weight > 0));
        const split = compileSplit(weights);
        const owned = new Array<number>(weights.length).fill(0);
        for (let drawn = 0; drawn < split.total; drawn++) {
          // A generator whose next value is `drawn` modulo the total, whatever is rejected below the threshold.
          owned[pickShare(split, { uint32: () => split.total * 1_000 + drawn })]!++;
        }
        if (weights.length > 1) expect(owned).to.deep.equal(weights);
      }),
    );
  });

  it('stay below their bound', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 53 - 1 }), fc.nat(), (bound, seed) => {
        const value = below(new Xoshiro(seed), bound);
        expect(value).to.be.within(0, bound - 1);
        expect(Number.isInteger(value)).to.equal(true);
      }),
    );
  });
});

describe('retry budget, any history', () => {
  const step = fc.record({ waitMs: fc.nat(3000), deposits: fc.nat(20), tries: fc.nat(30) });

  it('never lets a window of one ttl spend more than the reserve and the deposits of a window and a slot', () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 60 }),
        fc.constantFrom(0, 0.2, 0.5, 1, 3),
        fc.nat(5),
        fc.constantFrom(1000, 3000, 10_000),
        (steps, ratio, minRetriesPerSecond, ttlMs) => {
          const budget = new TpsBudget({ ratio, minRetriesPerSecond, ttlMs }, 0);
          const retries: number[] = [];
          const deposits: number[] = [];
          let nowMs = 0;
          for (const { waitMs, deposits: count, tries } of steps) {
            nowMs += waitMs;
            for (let i = 0; i < count; i++) {
              budget.deposit(nowMs);
              deposits.push(nowMs);
            }
            for (let i = 0; i < tries; i++) {
              if (!budget.withdraw(nowMs)) break;
              retries.push(nowMs);
              expect(retries.filter((ms) => ms > nowMs - ttlMs).length).to.be.at.most(
                minRetriesPerSecond * (ttlMs / 1000) +
                  perDeposit(ratio) * deposits.filter((ms) => ms >= nowMs - 2.2 * ttlMs).length,
              );
            }
          }
        },
      ),
    );
  });

  it('never refuses while the reserve of the last window and a slot is unspent', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ waitMs: fc.nat(3000), tries: fc.nat(30) }), { maxLength: 60 }), (steps) => {
        const budget = new TpsBudget({ ratio: 0.2, minRetriesPerSecond: 2, ttlMs: 5000 }, 0);
        const retries: number[] = [];
        let nowMs = 0;
        for (const { waitMs, tries } of steps) {
          nowMs += waitMs;
          for (let i = 0; i < tries; i++) {
            const spent = retries.filter((ms) => ms > nowMs - 5500).length;
            const allowed = budget.withdraw(nowMs);
            if (allowed) retries.push(nowMs);
            if (spent < 10) expect(allowed).to.equal(true);
          }
        }
      }),
    );
  });
});

/** Retries that one deposit can pay: deposit amount over withdrawal amount. */
function perDeposit(ratio: number): number {
  if (ratio === 0) return 0;
  return ratio <= 1 ? 1 / Math.trunc(1 / ratio) : 1000 / Math.trunc(1000 / ratio);
}

describe('networks, any address', () => {
  const asBigInt = (ip: Uint8Array) => ip.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

  it('agree with arithmetic on the whole address', () => {
    const family = (arbitrary: fc.Arbitrary<string>, width: number) =>
      fc.tuple(arbitrary, fc.integer({ min: 0, max: width }), arbitrary, fc.constant(width));
    fc.assert(
      fc.property(fc.oneof(family(ipv4, 32), family(ipv6, 128)), ([network, bits, address, width]) => {
        const compiled = compileNetwork({ cidr: `${network}/${bits}`, except: [] })!;
        const shift = BigInt(width - bits);
        const expected = asBigInt(parsePeerIp(network)!) >> shift === asBigInt(parsePeerIp(address)!) >> shift;
        expect(contains(compiled, parsePeerIp(address)!)).to.equal(expected);
        expect(contains(compiled, parsePeerIp(network)!)).to.equal(true);
      }),
    );
  });
});

const identity = fc.constantFrom('a.x.example', 'b.x.example', 'a.y.example', 'ax.example', 'x.example');
const pattern = fc.oneof(identity, fc.constantFrom('*', '*.x.example', '*.example', '*.y.example'));
const cidr = fc.constantFrom('0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16', '::/0', 'fd00::/8');

const anyAuthorization: fc.Arbitrary<Authorization> = fc.record({
  label: fc.constant({ group: '', kind: 'k', name: 'n' }),
  networks: fc.array(fc.record({ cidr, except: fc.array(cidr, { maxLength: 1 }) }), { maxLength: 3 }),
  authentication: fc.oneof(
    fc.constant({ type: 'unauthenticated' } as const),
    fc.constant({ type: 'tls' } as const),
    fc.record({ type: fc.constant('identities' as const), identities: fc.array(pattern, { maxLength: 3 }) }),
  ),
});

/** The rules read from the reference, one line each, with nothing compiled. */
function naive(authorizations: Authorization[], address: string, id: string | null, tls: boolean): boolean {
  const within = (text: string) => contains(compileNetwork({ cidr: text, except: [] })!, parsePeerIp(address)!);
  if (address.startsWith('127.') && !tls) return true;
  return authorizations.some(
    ({ networks, authentication }) =>
      networks.some((network) => within(network.cidr) && !network.except.some(within)) &&
      (authentication.type === 'unauthenticated' ||
        (authentication.type === 'tls' && tls) ||
        (authentication.type === 'identities' &&
          tls &&
          id !== null &&
          authentication.identities.some((name) =>
            name === '*' ? true : name.startsWith('*.') ? id.endsWith(name.slice(1)) : id === name,
          ))),
  );
}

describe('policy, any client', () => {
  it('agrees with the rules read one by one', () => {
    const address = fc.constantFrom(
      '10.1.2.3',
      '10.2.2.3',
      '192.168.1.1',
      '8.8.8.8',
      'fd00::1',
      '2001::1',
      '127.0.0.1',
    );
    const client = fc.oneof(
      fc.record({ address, id: fc.constant(null), tls: fc.boolean() }),
      fc.record({ address, id: identity, tls: fc.constant(true) }),
    );
    fc.assert(
      fc.property(
        fc.array(anyAuthorization, { maxLength: 4 }),
        client,
        (authorizations, { address: from, id, tls }) => {
          const policy = entryOf(portPolicy({ authorizations }), { port: 80 });
          const decision = authorizeConnection(policy, new InboundPeer(from, id, tls));
          expect(decision.allowed).to.equal(naive(authorizations, from, id, tls));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

const atom = fc.constantFrom(
  ...['a', 'b', '/', '-', '\\.', '.', '[^/]', '\\d', '\\w', '[a-b]', '[0-9-]', '(a', ')', '(?:', '|', '[]b]', '\\D'],
);
const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '{2}');
const expression = fc
  .array(fc.tuple(atom, quantifier), { maxLength: 8 })
  .map((parts) => parts.map(([text, times]) => text + times).join(''));
const path = fc.string({ unit: fc.constantFrom('a', 'b', '1', '/', '-', '.', ']', '|', '\n'), maxLength: 10 });

function compiledBy(load: () => ReturnType<typeof regexEngine>, text: string) {
  try {
    return compilePattern(text, load);
  } catch {
    return null;
  }
}

describe('path patterns, any expression', () => {
  it('match without the engine what the engine matches, and refuse what it refuses', () => {
    let simple = 0;
    fc.assert(
      fc.property(expression, fc.array(path, { minLength: 1, maxLength: 10 }), (text, paths) => {
        const ours = compiledBy(regexEngine, text);
        if (compiledBy(noEngine, text) !== null) simple++;
        let reference: { matches(text: string): boolean } | null = null;
        try {
          reference = regexEngine().compile(text);
        } catch {
          // stays null: refused
        }
        expect(ours === null).to.equal(reference === null);
        for (const each of paths) {
          expect(ours?.matches(each) ?? null).to.equal(reference?.matches(each) ?? null);
          if (ours?.matches(each) === true) expect(each.startsWith(ours.prefix)).to.equal(true);
          if (ours !== null && ours.exact !== null) expect(ours.matches(each)).to.equal(each === ours.exact);
        }
      }),
      { numRuns: 5000 },
    );
    // Otherwise the property would only compare the engine with itself.
    expect(simple).to.be.greaterThan(200);
  });
});

describe('route table, any routes', () => {
  it('finds what a walk down the list finds, from the cache too', () => {
    const regex = fc.constantFrom('/a', '/b', '/a/.*', '/[^/]*', '/(a|b)/c', '.*', '/a/b', '(a|b)');
    const asked = fc.constantFrom('/a', '/b', '/a/b', '/a/c', '/b/c', '/z', 'a', '/a?q');
    fc.assert(
      fc.property(fc.array(regex, { maxLength: 8 }), fc.array(asked, { maxLength: 12 }), (regexes, targets) => {
        const table = routeTable(...regexes.map((each, index) => route(String(index), each)));
        for (const target of targets) {
          const plain = target.split('?')[0]!;
          const index = regexes.findIndex((each) => regexEngine().compile(each).matches(plain));
          expect(table.match(request('GET', target)).name).to.equal(index === -1 ? '' : String(index));
        }
      }),
      { numRuns: 500 },
    );
  });
});
