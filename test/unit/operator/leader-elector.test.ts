import { expect } from 'chai';
import fc from 'fast-check';
import type { Clock } from '../../../operator/runtime/clock.ts';
import { RuntimeError } from '../../../operator/runtime/errors.ts';
import { ELECTION_TIMING, LeaderElector } from '../../../operator/runtime/leader-elector.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeLease, type Reach } from '../../fakes/lease.ts';

interface Candidate {
  elector: LeaderElector;
  events: string[];
  lost: RuntimeError[];
}

function candidate(identity: string, lease: FakeLease, clock: Clock, reach?: () => Reach, random = () => 0): Candidate {
  const events: string[] = [];
  const lost: RuntimeError[] = [];
  const elector = new LeaderElector({
    identity,
    lease: lease.client(reach),
    clock,
    random,
    log: silentLog,
    onStarted: () => events.push('started'),
    onLost(reason) {
      events.push('lost');
      lost.push(reason);
    },
  });
  return { elector, events, lost };
}

describe('leader elector', () => {
  it("has client-go's default times", () => {
    expect(ELECTION_TIMING).to.deep.equal({ leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, jitter: 1.2 });
  });

  it('refuses times that could let two lead', () => {
    const make = (timing: object) => () =>
      new LeaderElector({
        identity: 'a',
        lease: new FakeLease().client(),
        clock: new FakeClock(),
        random: () => 0,
        log: silentLog,
        timing,
        onStarted() {},
        onLost() {},
      });
    expect(make({ renewDeadlineMs: 15_000 })).to.throw(RuntimeError);
    expect(make({ retryMs: 9_000 })).to.throw(RuntimeError);
    expect(make({ retryMs: 0 })).to.throw(RuntimeError);
  });

  it('creates the lease with holder, duration and times, and renews it', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const { elector, events } = candidate('a', lease, clock);
    elector.start();
    await clock.advance(0);
    expect(events).to.deep.equal(['started']);
    expect(elector.isLeader).to.equal(true);
    const first = lease.record!;
    expect(first).to.include({ holder: 'a', durationSeconds: 15, transitions: 0 });
    await clock.advance(10_000);
    expect(lease.record!.acquiredMs).to.equal(first.acquiredMs);
    expect(lease.record!.renewedMs).to.equal(first.acquiredMs + 10_000);
    await elector.release();
  });

  it('gives the lease back on a clean end, and a follower takes over within a retry period', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const [a, b] = [candidate('a', lease, clock), candidate('b', lease, clock)];
    a.elector.start();
    await clock.advance(0);
    b.elector.start();
    await clock.advance(30_000);
    expect(b.events).to.deep.equal([]);
    expect(b.elector.holder).to.equal('a');
    await a.elector.release();
    expect(a.events, 'no loss is reported on a clean end').to.deep.equal(['started']);
    expect(lease.record).to.include({ holder: '', durationSeconds: 1 });
    await clock.advance(2_000);
    expect(b.events).to.deep.equal(['started']);
    expect(lease.record).to.include({ holder: 'b', transitions: 1 });
    await b.elector.release();
  });

  it('gives it back too when its end cuts off a renewal that is carried out all the same', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let reach: Reach = 'ok';
    const a = candidate('a', lease, clock, () => reach);
    a.elector.start();
    await clock.advance(1_000);
    const before = lease.record!.renewedMs;
    reach = 'unheard';
    await clock.advance(1_000);
    expect(lease.record!.renewedMs, 'renewed, but not heard of').to.be.above(before);
    reach = 'ok';
    await a.elector.release();
    expect(lease.record).to.include({ holder: '', durationSeconds: 1 });
    expect(a.events).to.deep.equal(['started']);
  });

  it('gives it back also where it has been given and never heard of it', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let reach: Reach = 'ok';
    const a = candidate('a', lease, clock);
    const b = candidate('b', lease, clock, () => reach);
    a.elector.start();
    await clock.advance(0);
    await a.elector.release();
    reach = 'unheard';
    lease.unheardOf = 'update';
    b.elector.start();
    await clock.advance(1_000);
    expect(lease.record!.holder, 'given, but not heard of').to.equal('b');
    reach = 'ok';
    await b.elector.release();
    expect(lease.record).to.include({ holder: '', durationSeconds: 1 });
    expect(b.events).to.deep.equal([]);
  });

  it('takes it no more once it is about to end, but keeps it until then where it leads', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const [a, b] = [candidate('a', lease, clock), candidate('b', lease, clock)];
    a.elector.start();
    await clock.advance(0);
    b.elector.start();
    await clock.advance(1_000);
    b.elector.withdraw();
    a.elector.withdraw();
    await clock.advance(30_000);
    expect(lease.record!.holder).to.equal('a');
    await a.elector.release();
    await clock.advance(30_000);
    expect(lease.record!.holder).to.equal('');
    await b.elector.release();
    expect(b.events).to.deep.equal([]);
  });

  it('leaves it alone when somebody else has taken it meanwhile', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const a = candidate('a', lease, clock);
    a.elector.start();
    await clock.advance(1_000);
    lease.touch({ holder: 'usurper' });
    await a.elector.release();
    expect(lease.record!.holder).to.equal('usurper');
  });

  it('takes over from a holder that crashed, one lease duration after its last renewal was seen', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let alive = true;
    const a = candidate('a', lease, clock, () => (alive ? 'ok' : 'down'));
    const b = candidate('b', lease, clock);
    a.elector.start();
    await clock.advance(0);
    b.elector.start();
    await clock.advance(5_000);
    alive = false;
    await clock.advance(13_000);
    expect(b.events).to.deep.equal([]);
    await clock.advance(6_000);
    expect(b.events).to.deep.equal(['started']);
    await b.elector.release();
  });

  for (const skewMs of [3_600_000, -3_600_000]) {
    it(`is not misled by a wall clock that is ${skewMs / 3_600_000} h off`, async () => {
      const clock = new FakeClock();
      const skewed: Clock = {
        nowMs: () => clock.nowMs() + 12_345,
        wallMs: () => clock.wallMs() + skewMs,
        schedule: (delayMs, run) => clock.schedule(delayMs, run),
      };
      const lease = new FakeLease();
      const a = candidate('a', lease, clock);
      const b = candidate('b', lease, skewed);
      a.elector.start();
      await clock.advance(0);
      b.elector.start();
      await clock.advance(60_000);
      expect(b.events).to.deep.equal([]);
      expect(a.events).to.deep.equal(['started']);
      await Promise.all([a.elector.release(), b.elector.release()]);
    });
  }

  it('survives an outage of the API server that is shorter than the renew deadline', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let state: 'ok' | 'down' = 'ok';
    const a = candidate('a', lease, clock, () => state);
    a.elector.start();
    await clock.advance(4_000);
    state = 'down';
    await clock.advance(7_500);
    state = 'ok';
    await clock.advance(10_000);
    expect(a.events).to.deep.equal(['started']);
    expect(a.elector.isLeader).to.equal(true);
    await a.elector.release();
  });

  it('survives a connection that goes silent: one attempt leaves time for another', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let state: 'ok' | 'hangs' = 'ok';
    const a = candidate('a', lease, clock, () => state);
    a.elector.start();
    await clock.advance(3_000);
    state = 'hangs';
    await clock.advance(1_000);
    // The request that was sent meanwhile hangs for ever; later ones are answered.
    state = 'ok';
    await clock.advance(30_000);
    expect(a.events).to.deep.equal(['started']);
    await a.elector.release();
  });

  for (const state of ['down', 'hangs'] as const) {
    it(`stops leading when the API server is ${state} for longer than the deadline, before anybody else may lead`, async () => {
      const clock = new FakeClock();
      const lease = new FakeLease();
      let reach: 'ok' | 'down' | 'hangs' = 'ok';
      const a = candidate('a', lease, clock, () => reach);
      a.elector.start();
      await clock.advance(4_000);
      const lastRenewedMs = lease.record!.renewedMs - clock.wallMs() + clock.nowMs();
      reach = state;
      await clock.advance(lastRenewedMs + 9_999 - clock.nowMs());
      expect(a.events).to.deep.equal(['started']);
      await clock.advance(1);
      expect(a.events).to.deep.equal(['started', 'lost']);
      expect(a.lost[0]?.code).to.equal('WEFT_LEADER_LOST');
      expect(a.elector.isLeader).to.equal(false);
    });
  }

  it('stops at once when somebody else holds the lease', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const a = candidate('a', lease, clock);
    a.elector.start();
    await clock.advance(1_000);
    lease.touch({ holder: 'usurper' });
    await clock.advance(1_000);
    expect(a.events).to.deep.equal(['started', 'lost']);
    expect(a.elector.slowPaths).to.equal(1);
    expect(lease.record!.holder).to.equal('usurper');
    await a.elector.release();
    expect(lease.record!.holder, 'a lost lease is not given back').to.equal('usurper');
  });

  it('goes on when its record was touched by somebody else but still names it', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const a = candidate('a', lease, clock);
    a.elector.start();
    await clock.advance(1_000);
    lease.touch();
    await clock.advance(10_000);
    expect(a.events).to.deep.equal(['started']);
    expect(a.elector.slowPaths).to.equal(1);
    await a.elector.release();
  });

  it('makes the lease anew when somebody deleted it', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const a = candidate('a', lease, clock);
    a.elector.start();
    await clock.advance(1_000);
    lease.remove();
    await clock.advance(4_000);
    expect(a.events).to.deep.equal(['started']);
    expect(lease.record).to.include({ holder: 'a' });
    await a.elector.release();
  });

  it('leads again at once after a restart under the same name', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let alive = true;
    const before = candidate('pod-0', lease, clock, () => (alive ? 'ok' : 'down'));
    before.elector.start();
    await clock.advance(1_000);
    alive = false;
    const after = candidate('pod-0', lease, clock);
    after.elector.start();
    await clock.advance(0);
    expect(after.events).to.deep.equal(['started']);
    await after.elector.release();
  });

  it('keeps trying while the API server is away', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let state: 'ok' | 'down' = 'down';
    const a = candidate(
      'a',
      lease,
      clock,
      () => state,
      () => 0.5,
    );
    a.elector.start();
    await clock.advance(20_000);
    expect(a.events).to.deep.equal([]);
    state = 'ok';
    await clock.advance(4_000);
    expect(a.events).to.deep.equal(['started']);
    await a.elector.release();
  });

  it('ends without a trace when it never led', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const [a, b] = [candidate('a', lease, clock), candidate('b', lease, clock)];
    a.elector.start();
    await clock.advance(0);
    b.elector.start();
    await clock.advance(1_000);
    await b.elector.release();
    expect(lease.record!.holder).to.equal('a');
    await a.elector.release();
    expect(clock.timers).to.equal(0);
  });

  it('gives up giving back after half the renew deadline when the API server hangs', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    let reach: 'ok' | 'hangs' = 'ok';
    const a = candidate('a', lease, clock, () => reach);
    a.elector.start();
    await clock.advance(1_000);
    reach = 'hangs';
    const released = a.elector.release();
    await clock.advance(5_000);
    await released;
    expect(a.elector.isLeader).to.equal(false);
  });
});

describe('leader elector, properties', () => {
  /**
   * From when the network is good until somebody leads at the latest: an attempt that hangs from before is given up (half the renew deadline), a pause,
   * the dead holder's last renewal is seen for the first time, its lease runs out, and that is noticed one pause later.
   */
  const pauseMs = ELECTION_TIMING.retryMs * (1 + ELECTION_TIMING.jitter);
  const LONGEST_VACANCY_MS = ELECTION_TIMING.renewDeadlineMs / 2 + pauseMs + ELECTION_TIMING.leaseMs + pauseMs;

  /** What happens to each candidate's connection in each half second. */
  const weather = fc.array(fc.constantFrom<'ok' | 'down' | 'hangs'>('ok', 'ok', 'ok', 'down', 'hangs'), {
    minLength: 20,
    maxLength: 100,
  });

  it('never has two leaders, whatever the network does, and has one again when it is good (E13)', async () => {
    await fc.assert(
      fc.asyncProperty(weather, weather, fc.double({ min: 0, max: 0.99, noNaN: true }), async (one, two, random) => {
        const clock = new FakeClock();
        const lease = new FakeLease();
        const at = (states: string[]) => (states[Math.floor(clock.nowMs() / 500)] ?? 'ok') as 'ok' | 'down' | 'hangs';
        let candidates = [
          candidate(
            'a',
            lease,
            clock,
            () => at(one),
            () => random,
          ),
          candidate(
            'b',
            lease,
            clock,
            () => at(two),
            () => random,
          ),
        ];
        for (const { elector } of candidates) elector.start();
        let restarts = 0;
        for (let tick = 0; tick < Math.max(one.length, two.length); tick++) {
          await clock.advance(500);
          expect(candidates.filter(({ elector }) => elector.isLeader).length).to.be.at.most(1);
          // A process that lost the lead ends and is started again under another name.
          candidates = candidates.map((each, i) => {
            if (!each.events.includes('lost')) return each;
            restarts += 1;
            const next = candidate(
              `${i}-${restarts}`,
              lease,
              clock,
              () => at(i === 0 ? one : two),
              () => random,
            );
            next.elector.start();
            return next;
          });
        }
        await clock.advance(LONGEST_VACANCY_MS);
        expect(candidates.filter(({ elector }) => elector.isLeader).length).to.equal(1);
        for (const { elector } of candidates) {
          const released = elector.release();
          await clock.advance(2_000);
          await released;
        }
      }),
      { numRuns: 40 },
    );
  }).timeout(60_000);
});
