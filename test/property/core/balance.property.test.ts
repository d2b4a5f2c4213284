import { expect } from 'chai';
import fc from 'fast-check';
import type { Balancer } from '../../../proxy-image/contract/policy/balancer.ts';
import type { Breaker } from '../../../proxy-image/contract/policy/breaker.ts';
import type { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { abandoned, finished, pickEndpoint, started } from '../../../proxy-image/core/balance/pick.ts';
import type { EndpointPool } from '../../../proxy-image/core/balance/pool.ts';
import { connectFailed } from '../../../proxy-image/core/balance/reach.ts';
import { breakerAbandoned, breakerObserved } from '../../../proxy-image/core/breaker/breaker.ts';
import { breakerAllows, breakerStarted } from '../../../proxy-image/core/breaker/gate.ts';
import type { Outcome } from '../../../proxy-image/core/breaker/outcome.ts';
import { Xoshiro } from '../../../proxy-image/core/rng.ts';
import { endpoint, poolOf } from '../../unit/core/fixtures.ts';

const HERE = { node: 'node-1', zone: 'a' };

const balancer = fc.constantFrom<Balancer>(
  { type: 'ewma', defaultRttMs: 30, decayMs: 10_000 },
  { type: 'leastLoaded' },
  { type: 'roundRobin' },
  { type: 'aperture', defaultRttMs: 30, decayMs: 10_000, endpoints: 2 },
  { type: 'consistentHash', key: { type: 'source' } },
);

const common = fc.record({
  maxFailures: fc.integer({ min: 1, max: 3 }),
  minPenaltyMs: fc.integer({ min: 1, max: 500 }),
  maxPenaltyMs: fc.integer({ min: 500, max: 5_000 }),
  jitterRatio: fc.constantFrom(0, 0.5, 100),
  maxEjectedPercent: fc.integer({ min: 0, max: 100 }),
});

const breaker: fc.Arbitrary<Breaker> = fc.oneof(
  common.map((fields) => ({ type: 'consecutive' as const, ...fields })),
  common.map((fields) => ({
    type: 'unified' as const,
    ...fields,
    successRate: { threshold: 0.8, windowMs: 1_000, minRequests: 3 },
    honorRetryAfter: true,
  })),
);

interface Flight {
  to: EndpointState;
  isProbe: boolean;
}

type Step =
  | { act: 'request'; hash: number }
  | { act: 'end'; which: number; outcome: Outcome; retryAfterMs: number }
  | { act: 'cancel'; which: number }
  | { act: 'refuse'; which: number }
  | { act: 'wait'; ms: number };

const which = fc.nat(50);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('request' as const), hash: fc.nat() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('end' as const),
      which,
      outcome: fc.constantFrom<Outcome>('success', 'failure', 'failure', 'rateLimited'),
      retryAfterMs: fc.constantFrom(0, 100, 1e9),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('cancel' as const), which }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('refuse' as const), which }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('wait' as const), ms: fc.nat(700) }) },
);

/** A client proxy of one pool, that checks what has to hold with every step. */
class Client {
  readonly pool: EndpointPool;
  readonly rng = new Xoshiro(1);
  readonly rules: { balancer: Balancer; localTrafficOnly: boolean; slowStartMs: number; breaker: Breaker };
  readonly flights: Flight[] = [];
  nowMs = 0;

  constructor(endpoints: number, rules: Client['rules']) {
    this.pool = poolOf(endpoints);
    this.rules = rules;
  }

  run(each: Step): void {
    if (each.act === 'wait') this.nowMs += each.ms;
    else if (each.act === 'request') this.#request(each.hash);
    else if (this.flights.length > 0) this.#end(each);
    const { endpoints, ejected } = this.pool;
    expect(ejected).to.equal(endpoints.filter((one) => one.breaker?.ejected === true).length);
    expect(ejected * 100).to.be.at.most(this.rules.breaker.maxEjectedPercent * endpoints.length);
    for (const one of endpoints) {
      const flying = this.flights.filter(({ to }) => to === one);
      expect(one.inFlight).to.equal(flying.length);
      expect(flying.filter(({ isProbe }) => isProbe).length).to.be.at.most(1);
    }
  }

  #request(hash: number): void {
    const { pool, rules, rng, nowMs } = this;
    const allowed = pool.endpoints.filter((one) => breakerAllows(one, rules.breaker, nowMs) && one.readyAtMs <= nowMs);
    const to = pickEndpoint(pool, rules, [], rng, nowMs, hash);
    if (to === null) {
      expect(allowed).to.deep.equal([]);
      return;
    }
    expect(allowed.includes(to)).to.equal(true);
    started(to);
    this.flights.push({ to, isProbe: breakerStarted(to, rules.breaker) });
  }

  #end(each: Exclude<Step, { act: 'wait' | 'request' }>): void {
    const { pool, rules, rng, nowMs } = this;
    const [{ to, isProbe }] = this.flights.splice(each.which % this.flights.length, 1) as [Flight];
    if (each.act !== 'end') {
      abandoned(to);
      breakerAbandoned(pool, to, isProbe);
      if (each.act === 'refuse') connectFailed(to, rng, nowMs);
      return;
    }
    finished(to, rules.balancer, 5, nowMs);
    breakerObserved(pool, to, rules.breaker, isProbe, each.outcome, each.retryAfterMs, rng, nowMs);
    if (to.breaker?.ejected === true) {
      expect(to.breaker.reopensAtMs - nowMs).to.be.at.most(rules.breaker.maxPenaltyMs);
    }
  }
}

describe('balancing with circuit breaking, any history', () => {
  it('has one probe at most, never picks the ejected, never finds nothing while one is allowed, keeps the share', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        balancer,
        breaker,
        fc.array(step, { maxLength: 120 }),
        (endpoints, how, policy, steps) => {
          const rules = { balancer: how, localTrafficOnly: false, slowStartMs: 0, breaker: policy };
          const client = new Client(endpoints, rules);
          for (const each of steps) client.run(each);
        },
      ),
    );
  });

  it('picks what is neither tried nor ejected whenever there is one', () => {
    const picks = fc.array(fc.record({ tried: fc.boolean(), ejected: fc.boolean() }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(picks, balancer, fc.nat(), fc.nat(), (states, how, seed, hash) => {
        const policy = { type: 'consecutive', maxFailures: 1, minPenaltyMs: 10, maxPenaltyMs: 10 } as const;
        const always = { ...policy, jitterRatio: 0, maxEjectedPercent: 100 };
        const pool = poolOf(states.length);
        const rng = new Xoshiro(seed);
        for (const [i, each] of pool.endpoints.entries()) {
          if (states[i]!.ejected) breakerObserved(pool, each, always, false, 'failure', 0, rng, 0);
        }
        const tried = pool.endpoints.filter((_, i) => states[i]!.tried);
        const free = pool.endpoints.filter((_, i) => !states[i]!.tried && !states[i]!.ejected);
        const rules = { balancer: how, localTrafficOnly: false, slowStartMs: 10_000, breaker: always };
        const picked = pickEndpoint(pool, rules, tried, rng, 5, hash);
        if (picked === null) expect(free).to.deep.equal([]);
        else expect(free.includes(picked)).to.equal(true);
      }),
    );
  });
});

describe('consistent hash, any change of endpoints', () => {
  it('moves no key between endpoints that stay', () => {
    const hosts = fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 30 });
    const rules = { balancer: { type: 'consistentHash', key: { type: 'source' } } as const, breaker: null };
    fc.assert(
      fc.property(hosts, hosts, fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), (before, after, keys) => {
        const pool = poolOf(0);
        const ownersOf = (list: number[]) => {
          pool.replace(
            'v',
            list.map((host) => endpoint(`10.0.1.${host}`)),
            HERE,
            0,
          );
          return keys.map(
            (key) =>
              pickEndpoint(pool, { ...rules, localTrafficOnly: false, slowStartMs: 0 }, [], new Xoshiro(1), 0, key)!.id,
          );
        };
        const old = ownersOf(before);
        const next = ownersOf(after);
        for (const [i, owner] of next.entries()) {
          const isNewcomer = !before.some((host) => owner === `10.0.1.${host}:8080`);
          const isGone = !after.some((host) => old[i] === `10.0.1.${host}:8080`);
          if (!isNewcomer && !isGone) expect(owner).to.equal(old[i]);
        }
      }),
    );
  });
});
