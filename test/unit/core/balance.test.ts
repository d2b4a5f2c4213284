import { expect } from 'chai';
import type { Balancer } from '../../../proxy-image/contract/policy/balancer.ts';
import type { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { cost, type EwmaBalancer, estimateMs, observe } from '../../../proxy-image/core/balance/ewma.ts';
import { abandoned, finished, pickEndpoint, started, whyNone } from '../../../proxy-image/core/balance/pick.ts';
import { EndpointPool } from '../../../proxy-image/core/balance/pool.ts';
import { answered, attempted, connected, connectFailed } from '../../../proxy-image/core/balance/reach.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import { endpoint, poolOf, ScriptedRng } from './fixtures.ts';

const EWMA: EwmaBalancer = { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 };
const HERE = { node: 'node-1', zone: 'a' };

const rules = (balancer: Balancer = EWMA, localTrafficOnly = false) => ({
  balancer,
  localTrafficOnly,
  slowStartMs: 0,
  breaker: null,
});

describe('peak EWMA', () => {
  const fresh = (): EndpointState => poolOf(1).endpoints[0]!;

  it('starts at the default and decays while idle', () => {
    const a = fresh();
    expect(cost(a, EWMA, 1000)).to.equal(30);
    expect(estimateMs(a, 10_000, 11_000)).to.be.closeTo(30 / Math.E, 1e-9);
  });

  it('follows the vectors of a peak EWMA with decay 10 s', () => {
    const a = fresh();
    observe(a, EWMA, 100, 0);
    expect(estimateMs(a, 10_000, 0)).to.equal(100);
    expect(estimateMs(a, 10_000, 10_000)).to.be.closeTo(36.787944117, 1e-9);
    a.inFlight = 1;
    expect(cost(a, EWMA, 10_000)).to.be.closeTo(73.575888234, 1e-9);
    // Slower than the decayed estimate: taken at once.
    observe(a, EWMA, 50, 10_050);
    expect(estimateMs(a, 10_000, 10_050)).to.equal(50);
    observe(a, EWMA, 20, 12_050);
    expect(estimateMs(a, 10_000, 12_050)).to.be.closeTo(44.56192259, 1e-8);
  });

  it('ignores a clock that goes backwards', () => {
    const a = fresh();
    observe(a, EWMA, 100, 1000);
    observe(a, EWMA, 10, 900);
    expect(a.rttAtMs).to.equal(1000);
    expect(estimateMs(a, 10_000, 900)).to.equal(100);
  });

  it('never seeds with less than a millisecond, which would win every comparison', () => {
    expect(cost(fresh(), { ...EWMA, defaultRttMs: 0 }, 0)).to.equal(1);
  });
});

describe('power of two choices', () => {
  it('picks the only endpoint without randomness', () => {
    const pool = poolOf(1);
    expect(pickEndpoint(pool, rules(), [], new ScriptedRng(), 0)).to.equal(pool.endpoints[0]);
  });

  it('draws two distinct endpoints and takes the cheaper, the first on a tie', () => {
    const pool = poolOf(4);
    const [a, b, c, d] = pool.endpoints;
    // First draw of 4, second of the remaining 3: an index at or above the first moves up by one.
    expect(pickEndpoint(pool, rules(), [], new ScriptedRng(0, 1), 0)).to.equal(a);
    expect(pickEndpoint(pool, rules(), [], new ScriptedRng(3, 1), 0)).to.equal(d);
    a!.inFlight = 3;
    expect(pickEndpoint(pool, rules(), [], new ScriptedRng(0, 1), 0)).to.equal(c);
    expect(pickEndpoint(pool, rules(), [], new ScriptedRng(0, 3), 0)).to.equal(b);
  });

  it('spreads evenly over equal endpoints', () => {
    const pool = poolOf(5);
    const rng = new Xoshiro(1);
    const counts = new Map<string, number>();
    for (let i = 0; i < 50_000; i++) {
      const { id } = pickEndpoint(pool, rules(), [], rng, 0)!;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    const sigma = Math.sqrt(50_000 * 0.2 * 0.8);
    for (const count of counts.values()) expect(Math.abs(count - 10_000)).to.be.lessThan(4 * sigma);
  });

  it('sends a slow endpoint far less than its share', () => {
    const pool = poolOf(3);
    const rng = new Xoshiro(2);
    const slow = pool.endpoints[0]!;
    let toSlow = 0;
    for (let ms = 0; ms < 30_000; ms += 10) {
      const picked = pickEndpoint(pool, rules(), [], rng, ms)!;
      if (picked === slow) toSlow++;
      started(picked);
      finished(picked, EWMA, picked === slow ? 500 : 5, ms);
    }
    expect(toSlow).to.be.lessThan(3000 / 9);
    expect(pool.endpoints.map((each) => each.inFlight)).to.deep.equal([0, 0, 0]);
  });

  it('never picks what this request has tried, and says so when nothing is left', () => {
    const pool = poolOf(3);
    const [a, b, c] = pool.endpoints;
    const rng = new Xoshiro(4);
    for (let i = 0; i < 200; i++) expect(pickEndpoint(pool, rules(), [a!, c!], rng, 0)).to.equal(b);
    expect(pickEndpoint(pool, rules(), [a!, b!, c!], rng, 0)).to.equal(null);
    expect(whyNone(pool, rules())).to.equal('all_unreachable');
  });

  it('counts what is under way until it ends or is given up', () => {
    const [a] = poolOf(1).endpoints;
    started(a!);
    started(a!);
    abandoned(a!);
    expect([a!.inFlight, a!.rttAtMs]).to.deep.equal([1, Number.NEGATIVE_INFINITY]);
  });
});

describe('round-robin', () => {
  it('takes turns, and skips what is in backoff', () => {
    const pool = poolOf(3);
    const next = (nowMs: number) => pickEndpoint(pool, rules({ type: 'roundRobin' }), [], new ScriptedRng(), nowMs)!.id;
    expect([next(0), next(0), next(0), next(0)].map((id) => id.split(':')[0])).to.deep.equal([
      '10.0.0.1',
      '10.0.0.2',
      '10.0.0.3',
      '10.0.0.1',
    ]);
    connectFailed(pool.endpoints[1]!, new ScriptedRng(0), 0);
    const ids = new Set(Array.from({ length: 6 }, () => next(50)));
    expect(ids.has(pool.endpoints[1]!.id)).to.equal(false);
  });
});

describe('connect backoff', () => {
  it('doubles from 100 ms to 60 s, with jitter, and ends with a connection', () => {
    const [a] = poolOf(1).endpoints;
    let nowMs = 1000;
    const waits = Array.from({ length: 12 }, () => {
      connectFailed(a!, new ScriptedRng(0), nowMs);
      const waitMs = a!.readyAtMs - nowMs;
      nowMs = a!.readyAtMs;
      return waitMs;
    });
    expect(waits).to.deep.equal([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000]);
    connectFailed(a!, new ScriptedRng(0xffffffff), nowMs);
    expect(a!.readyAtMs - nowMs).to.be.within(65_999, 66_000);
    connected(a!);
    expect([a!.readyAtMs, a!.connectFailures]).to.deep.equal([0, 0]);
  });

  it('takes connects that were under way together for one failure', () => {
    const [a] = poolOf(1).endpoints;
    for (let i = 0; i < 16; i++) connectFailed(a!, new ScriptedRng(0), i);
    expect([a!.readyAtMs, a!.connectFailures]).to.deep.equal([100, 1]);
    attempted(a!, 100);
    connectFailed(a!, new ScriptedRng(0), 110);
    expect([a!.readyAtMs, a!.connectFailures]).to.deep.equal([310, 2]);
  });

  it('nothing goes to an endpoint at rest, nor to one that is being tried', () => {
    const pool = poolOf(2);
    const [a, b] = pool.endpoints;
    const rng = new Xoshiro(9);
    connectFailed(a!, rng, 0);
    for (let i = 0; i < 100; i++) expect(pickEndpoint(pool, rules(), [], rng, 50)).to.equal(b);
    connectFailed(b!, rng, 0);
    expect(pickEndpoint(pool, rules(), [], rng, 50)).to.equal(null);
    expect(whyNone(pool, rules())).to.equal('all_unreachable');
    expect(pickEndpoint(pool, rules(), [b!], rng, 120)).to.equal(a);
    attempted(a!, 120);
    expect(pickEndpoint(pool, rules(), [b!], rng, 120)).to.equal(null);
    connected(a!);
    expect(pickEndpoint(pool, rules(), [b!], rng, 120)).to.equal(a);
  });

  it('an attempt without a result is followed by another after a second', () => {
    const pool = poolOf(1);
    attempted(pool.endpoints[0]!, 0);
    expect(pickEndpoint(pool, rules(), [], new Xoshiro(1), 999)).to.equal(null);
    expect(pickEndpoint(pool, rules(), [], new Xoshiro(1), 1000)).to.equal(pool.endpoints[0]);
  });

  it('while nothing else can be had, none rests longer than half a second', () => {
    const pool = poolOf(2);
    const [a, b] = pool.endpoints;
    let nowMs = 0;
    for (let i = 0; i < 12; i++, nowMs = a!.readyAtMs) connectFailed(a!, new ScriptedRng(0), nowMs);
    nowMs -= 60_000;
    expect(pickEndpoint(pool, rules(), [], new Xoshiro(1), nowMs)).to.equal(b);
    expect(a!.readyAtMs - nowMs).to.equal(60_000);
    connectFailed(b!, new ScriptedRng(0), nowMs);
    expect(pickEndpoint(pool, rules(), [], new Xoshiro(1), nowMs)).to.equal(null);
    expect(a!.readyAtMs - nowMs).to.be.within(500, 550);
    expect(pool.nextMs).to.equal(nowMs + 100);
  });

  it('a crowd that finds nothing is told so without a look at each endpoint, until something changes', () => {
    const pool = poolOf(3);
    for (const each of pool.endpoints) connectFailed(each, new ScriptedRng(0), 0);
    expect(pickEndpoint(pool, rules(), [], new Xoshiro(1), 10)).to.equal(null);
    expect(pool.noneUntilMs(false)).to.equal(100);
    connected(pool.endpoints[1]!);
    pool.changed();
    expect(pickEndpoint(pool, rules(), [], new Xoshiro(1), 20)).to.equal(pool.endpoints[1]);
  });

  it('where a proxy answers but not its application, only a response ends it', () => {
    const [a] = poolOf(1).endpoints;
    connectFailed(a!, new ScriptedRng(0), 0, true);
    connected(a!);
    expect([a!.readyAtMs, a!.connectFailures, a!.needsResponse]).to.deep.equal([100, 1, true]);
    answered(a!);
    expect([a!.readyAtMs, a!.connectFailures, a!.needsResponse]).to.deep.equal([0, 0, false]);
  });

  it('finds the one ready endpoint among many in backoff', () => {
    const pool = poolOf(50);
    const rng = new Xoshiro(10);
    for (const each of pool.endpoints.slice(1)) connectFailed(each, rng, 0);
    for (let i = 0; i < 100; i++) expect(pickEndpoint(pool, rules(), [], rng, 50)).to.equal(pool.endpoints[0]);
  });
});

describe('endpoint pool', () => {
  it('keeps the state of endpoints that stay', () => {
    const pool = poolOf(2);
    const [a, b] = pool.endpoints;
    a!.inFlight = 4;
    pool.replace('v2', [endpoint('10.0.0.9'), endpoint('10.0.0.1', { node: 'node-2' })], HERE, 0);
    expect(pool.endpoints.map((each) => each.id)).to.deep.equal(['10.0.0.9:8080', '10.0.0.1:8080']);
    expect(pool.endpoints[1]).to.equal(a);
    expect([a!.inFlight, a!.facts.node, a!.current, b!.current]).to.deep.equal([4, 'node-2', true, false]);
  });

  it('tells endpoints apart by port', () => {
    const pool = new EndpointPool('k', 1);
    pool.replace('v1', [endpoint('10.0.0.1', { port: 1 }), endpoint('10.0.0.1', { port: 2 })], HERE, 0);
    expect(pool.endpoints).to.have.length(2);
  });

  it('has its series resolved again only when labels change', () => {
    const pool = poolOf(1);
    const [a] = pool.endpoints;
    a!.series = 5;
    pool.replace('v2', [endpoint('10.0.0.1', { node: 'elsewhere' })], HERE, 0);
    expect(a!.series).to.equal(5);
    pool.replace('v3', [endpoint('10.0.0.1', { labels: { pod: 'other' } })], HERE, 0);
    expect(a!.series).to.equal(-1);
    a!.series = 5;
    pool.replace('v4', [endpoint('10.0.0.1', { labels: { pod: 'other' }, identity: null, proxyPort: 0 })], HERE, 0);
    expect(a!.series).to.equal(-1);
  });

  const hints: [title: string, zones: string[][], expected: number[]][] = [
    ['prefers its zone when every endpoint has hints', [['a'], ['b'], ['a', 'b']], [0, 2]],
    ['uses all when one has no hint', [['a'], [], ['b']], [0, 1, 2]],
    ['uses all when none is for its zone', [['b'], ['c']], [0, 1]],
  ];
  for (const [title, zones, expected] of hints) {
    it(title, () => {
      const pool = poolOf(zones.length, (i) => ({ hintZones: zones[i] }));
      expect(pool.preferred).to.deep.equal(expected.map((i) => pool.endpoints[i]));
    });
  }

  it('keeps to its own node for local traffic, and says when there is nothing', () => {
    const pool = poolOf(3, (i) => ({ node: `node-${i}` }));
    const pick = () => pickEndpoint(pool, rules(EWMA, true), [], new ScriptedRng(), 0);
    expect(pick()).to.equal(pool.endpoints[1]);
    pool.replace('v2', [endpoint('10.0.0.1', { node: 'node-7' })], HERE, 0);
    expect(pick()).to.equal(null);
    expect(whyNone(pool, rules(EWMA, true))).to.equal('no_local_endpoints');
  });

  it('says whether endpoints are unknown or none', () => {
    const pool = new EndpointPool('k', 1);
    expect(whyNone(pool, rules())).to.equal('endpoints_unknown');
    pool.replace('v1', [], HERE, 0);
    expect(whyNone(pool, rules())).to.equal('no_endpoints');
  });
});
