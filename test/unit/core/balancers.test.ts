import { expect } from 'chai';
import type { Balancer } from '../../../proxy-image/contract/policy/balancer.ts';
import type { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { cookieOf, requestHash } from '../../../proxy-image/core/balance/hash-key.ts';
import { penalisedMs } from '../../../proxy-image/core/balance/penalty.ts';
import { finished, pickEndpoint, sampled, started } from '../../../proxy-image/core/balance/pick.ts';
import type { EndpointPool } from '../../../proxy-image/core/balance/pool.ts';
import { connectFailed } from '../../../proxy-image/core/balance/reach.ts';
import { hashText } from '../../../proxy-image/core/hash.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import { endpoint, poolOf, ScriptedRng } from './fixtures.ts';

const NO_BREAKER = { localTrafficOnly: false, slowStartMs: 0, breaker: null };
const LEAST_LOADED = { ...NO_BREAKER, balancer: { type: 'leastLoaded' } as const };
const ROUND_ROBIN = { ...NO_BREAKER, balancer: { type: 'roundRobin' } as const };
const APERTURE = {
  ...NO_BREAKER,
  balancer: { type: 'aperture', defaultRttMs: 30, decayMs: 10_000, endpoints: 3 } as const,
};
const HASH = { ...NO_BREAKER, balancer: { type: 'consistentHash', key: { type: 'source' } } as const };
const HERE = { node: 'node-1', zone: 'a' };

function countPicks(count: number, pick: () => EndpointState | null): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const { id } = pick()!;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

describe('least-loaded', () => {
  it('takes the one of two with fewer requests under way, the first on a tie', () => {
    const pool = poolOf(3);
    const [a, b] = pool.endpoints;
    expect(pickEndpoint(pool, LEAST_LOADED, [], new ScriptedRng(3, 0), 0)).to.equal(a);
    started(a!);
    expect(pickEndpoint(pool, LEAST_LOADED, [], new ScriptedRng(3, 0), 0)).to.equal(b);
    finished(a!, LEAST_LOADED.balancer, 500, 0);
    expect([a!.inFlight, a!.rttAtMs]).to.deep.equal([0, Number.NEGATIVE_INFINITY]);
  });

  it('keeps the difference of open requests at two over equal endpoints', () => {
    const pool = poolOf(10);
    const rng = new Xoshiro(5);
    for (let i = 0; i < 1_000; i++) started(pickEndpoint(pool, LEAST_LOADED, [], rng, 0)!);
    const loads = pool.endpoints.map(({ inFlight }) => inFlight);
    expect(Math.max(...loads) - Math.min(...loads)).to.be.at.most(4);
  });
});

describe('round-robin with endpoints left out', () => {
  it('never gives the next one two turns in a row', () => {
    const pool = poolOf(3);
    const [a, b, c] = pool.endpoints;
    connectFailed(b!, new ScriptedRng(0), 0);
    const picks = Array.from({ length: 4 }, () => pickEndpoint(pool, ROUND_ROBIN, [], new ScriptedRng(), 50));
    expect(picks).to.deep.equal([a, c, a, c]);
  });

  it('uses none in backoff, and none that was tried', () => {
    const pool = poolOf(2);
    const [a, b] = pool.endpoints;
    connectFailed(a!, new ScriptedRng(0), 0);
    expect(pickEndpoint(pool, ROUND_ROBIN, [b!], new ScriptedRng(), 50)).to.equal(null);
    expect(pickEndpoint(pool, ROUND_ROBIN, [b!], new ScriptedRng(), 100)).to.equal(a);
    expect(pickEndpoint(pool, ROUND_ROBIN, [a!, b!], new ScriptedRng(), 50)).to.equal(null);
  });
});

describe('aperture', () => {
  const apertureOf = (pool: EndpointPool) => pool.allSet.aperture(3).map(({ id }) => id);

  it('keeps to as many endpoints as it says, the same ones for one client', () => {
    const pool = poolOf(20, undefined, 7);
    const rng = new Xoshiro(3);
    const counts = countPicks(3_000, () => pickEndpoint(pool, APERTURE, [], rng, 0));
    expect([...counts.keys()].sort()).to.deep.equal(apertureOf(pool).sort());
    for (const count of counts.values()) expect(count).to.be.within(900, 1_100);
    expect(apertureOf(poolOf(20, undefined, 7)).sort()).to.deep.equal(apertureOf(pool).sort());
  });

  it('is everything in a small pool', () => {
    const pool = poolOf(3);
    expect(pool.allSet.aperture(3)).to.equal(pool.endpoints);
    expect(pool.allSet.aperture(12)).to.equal(pool.endpoints);
  });

  it('is worked out once per change', () => {
    const { allSet } = poolOf(20);
    expect(allSet.aperture(3)).to.equal(allSet.aperture(3));
    expect(allSet.aperture(5)).to.have.length(5);
  });

  it('spreads many clients over all endpoints', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 2_000; seed++) {
      for (const id of apertureOf(poolOf(20, undefined, hashText(`workload/shop/web-${seed}`)))) {
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
    }
    expect(counts.size).to.equal(20);
    for (const count of counts.values()) expect(count).to.be.within(225, 375);
  });

  it('changes by one place when an endpoint goes', () => {
    const pool = poolOf(20);
    const before = apertureOf(pool);
    const gone = before[0]!;
    const facts = pool.endpoints.filter(({ id }) => id !== gone).map((each) => each.facts);
    pool.replace('v2', facts, HERE, 0);
    const after = apertureOf(pool);
    expect(after.filter((id) => before.includes(id))).to.deep.equal(before.slice(1));
  });

  it('is given up where none of it is ready', () => {
    const pool = poolOf(20);
    const inside = pool.allSet.aperture(3);
    const rng = new Xoshiro(8);
    for (const each of inside) connectFailed(each, rng, 0);
    for (let i = 0; i < 50; i++) {
      expect(inside.includes(pickEndpoint(pool, APERTURE, [], rng, 50)!)).to.equal(false);
    }
    expect(pickEndpoint(pool, APERTURE, pool.endpoints, rng, 50)).to.equal(null);
  });

  it('learns latencies like peak EWMA', () => {
    const pool = poolOf(1);
    const [a] = pool.endpoints;
    started(a!);
    finished(a!, APERTURE.balancer, 80, 10);
    expect(a!.rttMs).to.equal(80);
    sampled(a!, APERTURE.balancer, 90, 10);
    expect([a!.rttMs, a!.inFlight]).to.deep.equal([90, 0]);
  });
});

describe('consistent hash', () => {
  const KEYS = Array.from({ length: 20_000 }, (_, i) => hashText(`user-${i}`));
  const ownersOf = (pool: EndpointPool, tried: EndpointState[] = []) =>
    KEYS.map((key) => pickEndpoint(pool, HASH, tried, new ScriptedRng(), 0, key)!.id);

  it('gives equal keys to the same endpoint without randomness, in whatever order endpoints are listed', () => {
    const pool = poolOf(10);
    const owners = ownersOf(pool);
    const facts = pool.endpoints.map((each) => each.facts).reverse();
    pool.replace('v2', facts, HERE, 0);
    expect(ownersOf(pool)).to.deep.equal(owners);
  });

  it('spreads keys within a quarter of the even share', () => {
    const counts = new Map<string, number>();
    for (const id of ownersOf(poolOf(10))) counts.set(id, (counts.get(id) ?? 0) + 1);
    expect(counts.size).to.equal(10);
    for (const count of counts.values()) expect(count).to.be.within(1_500, 2_500);
  });

  it('moves exactly the keys of an endpoint that goes, to several others, and back when it returns', () => {
    const pool = poolOf(10);
    const all = pool.endpoints.map((each) => each.facts);
    const before = ownersOf(pool);
    const gone = pool.endpoints[4]!.id;
    pool.replace(
      'v2',
      all.filter((_, i) => i !== 4),
      HERE,
      0,
    );
    const after = ownersOf(pool);
    const heirs = new Set<string>();
    for (const [i, owner] of before.entries()) {
      if (owner === gone) heirs.add(after[i]!);
      else expect(after[i]).to.equal(owner);
    }
    expect(heirs.size).to.be.at.least(7);
    pool.replace('v3', all, HERE, 0);
    expect(ownersOf(pool)).to.deep.equal(before);
  });

  it('moves the keys of an endpoint that is not to be used as if it were gone', () => {
    const pool = poolOf(10);
    const all = pool.endpoints.map((each) => each.facts);
    const avoided = ownersOf(pool, [pool.endpoints[4]!]);
    pool.replace(
      'v2',
      all.filter((_, i) => i !== 4),
      HERE,
      0,
    );
    expect(avoided).to.deep.equal(ownersOf(pool));
  });

  it('finds the one endpoint left among many', () => {
    const pool = poolOf(100);
    const left = pool.endpoints[37]!;
    const tried = pool.endpoints.filter((each) => each !== left);
    for (const key of KEYS.slice(0, 50)) {
      expect(pickEndpoint(pool, HASH, tried, new ScriptedRng(), 0, key)).to.equal(left);
    }
    expect(pickEndpoint(pool, HASH, pool.endpoints, new ScriptedRng(), 0, 1)).to.equal(null);
    for (const each of tried) connectFailed(each, new ScriptedRng(0), 0);
    expect(pickEndpoint(pool, HASH, [], new ScriptedRng(), 0, 1)).to.equal(left);
  });
});

describe('keys of consistent hashing', () => {
  const head = (fields: Record<string, string>) => ({ first: (name: string) => fields[name] ?? '' });

  it('are taken from a header, a cookie or the client', () => {
    const none = new ScriptedRng();
    const fields = head({ 'x-user': 'ada', cookie: 'a=1; sid=ada' });
    expect(requestHash({ type: 'header', name: 'x-user' }, fields, '10.1.1.1', none)).to.equal(hashText('ada'));
    expect(requestHash({ type: 'cookie', name: 'sid' }, fields, '10.1.1.1', none)).to.equal(hashText('ada'));
    expect(requestHash({ type: 'source' }, fields, '10.1.1.1', none)).to.equal(hashText('10.1.1.1'));
  });

  it('are random where the request has none', () => {
    expect(requestHash({ type: 'header', name: 'x-user' }, head({}), '', new ScriptedRng(77))).to.equal(77);
  });

  const cookies: [header: string, name: string, expected: string][] = [
    ['sid=1', 'sid', '1'],
    ['a=1; sid=2; sid=3', 'sid', '2'],
    ['a=1;sid=2', 'sid', '2'],
    ['xsid=1; sid2=2', 'sid', ''],
    ['sid', 'sid', ''],
    ['sid=a=b', 'sid', 'a=b'],
    ['', 'sid', ''],
    [';;  ; ', 'sid', ''],
  ];
  for (const [header, name, expected] of cookies) {
    it(`cookie ${name} of ${JSON.stringify(header)} is ${JSON.stringify(expected)}`, () => {
      expect(cookieOf(header, name)).to.equal(expected);
    });
  }
});

describe('slow start', () => {
  const rulesOf = (balancer: Balancer) => ({ ...NO_BREAKER, balancer, slowStartMs: 10_000 });

  function poolWithNewcomer(): { pool: EndpointPool; newcomer: EndpointState } {
    const pool = poolOf(3);
    const facts = pool.endpoints.map((each) => each.facts);
    pool.replace('v2', [...facts, endpoint('10.0.0.4')], HERE, 100_000);
    return { pool, newcomer: pool.endpoints[3]! };
  }

  function shareOf(balancer: Balancer, ageMs: number): number {
    const { pool, newcomer } = poolWithNewcomer();
    const rng = new Xoshiro(6);
    const counts = countPicks(20_000, () => pickEndpoint(pool, rulesOf(balancer), [], rng, 100_000 + ageMs));
    return (counts.get(newcomer.id) ?? 0) / 20_000;
  }

  it('is for endpoints that join others: the first of a pool take everything', () => {
    const { pool, newcomer } = poolWithNewcomer();
    expect(pool.endpoints.map((each) => each.addedAtMs)).to.deep.equal([-Infinity, -Infinity, -Infinity, 100_000]);
    pool.replace(
      'v3',
      pool.endpoints.map((each) => each.facts),
      HERE,
      500_000,
    );
    expect(newcomer.addedAtMs).to.equal(100_000);
  });

  const ages: [ageMs: number, ofItsShare: number][] = [
    [0, 0.1],
    [2_500, 0.25],
    [5_000, 0.5],
    [10_000, 1],
  ];
  for (const [ageMs, ofItsShare] of ages) {
    it(`gives ${ofItsShare} of the share after ${ageMs} of 10000 ms`, () => {
      expect(shareOf({ type: 'leastLoaded' }, ageMs)).to.be.closeTo(0.25 * ofItsShare, 0.01);
      // Taking turns, a turn that is not taken shortens the round.
      const turns = ofItsShare / (3 + ofItsShare);
      expect(shareOf({ type: 'roundRobin' }, ageMs)).to.be.closeTo(turns, 0.01);
    });
  }

  it('uses a new endpoint for everything when it is the only one', () => {
    const { pool, newcomer } = poolWithNewcomer();
    const others = pool.endpoints.slice(0, 3);
    for (const type of ['roundRobin', 'leastLoaded'] as const) {
      const pick = () => pickEndpoint(pool, rulesOf({ type }), others, new Xoshiro(1), 100_000);
      for (let i = 0; i < 20; i++) expect(pick()).to.equal(newcomer);
    }
  });
});

describe('preference for the own zone', () => {
  it('is given up before a request waits or fails', () => {
    const pool = poolOf(4, (i) => ({ hintZones: [i < 2 ? 'a' : 'b'] }));
    const [a, b, c, d] = pool.endpoints;
    const rng = new Xoshiro(2);
    const pick = (tried: EndpointState[]) => pickEndpoint(pool, LEAST_LOADED, tried, rng, 50);
    for (let i = 0; i < 50; i++) expect([a, b]).to.include(pick([]));
    for (let i = 0; i < 50; i++) expect([c, d]).to.include(pick([a!, b!]));
    connectFailed(a!, rng, 0);
    connectFailed(b!, rng, 0);
    for (let i = 0; i < 50; i++) expect([c, d]).to.include(pick([]));
    connectFailed(c!, rng, 0);
    connectFailed(d!, rng, 0);
    expect(pick([])).to.equal(null);
  });
});

describe('load penalty', () => {
  const PENALTY = { penaltyMs: 5_000, maxRetryAfterMs: 300_000 };
  it('counts a rate-limited response as slow, longer where the server asks for it', () => {
    expect(penalisedMs(PENALTY, 'rateLimited', 3, 0)).to.equal(5_000);
    expect(penalisedMs(PENALTY, 'rateLimited', 9_000, 0)).to.equal(9_000);
    expect(penalisedMs(PENALTY, 'rateLimited', 3, 60_000)).to.equal(60_000);
    expect(penalisedMs(PENALTY, 'rateLimited', 3, 1e9)).to.equal(300_000);
  });

  it('leaves everything else as it was measured', () => {
    expect(penalisedMs(PENALTY, 'failure', 3, 60_000)).to.equal(3);
    expect(penalisedMs(PENALTY, 'success', 3, 60_000)).to.equal(3);
    expect(penalisedMs(null, 'rateLimited', 3, 60_000)).to.equal(3);
  });
});
