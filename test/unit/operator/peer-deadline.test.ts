import { stat } from 'node:fs';
import { expect } from 'chai';
import { HEARING_MS, peerDeadline, STEP_MS } from '../../../operator/runtime/peer-deadline.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { SERVICES, service, watching } from '../../fakes/watching.ts';
import { eventually } from '../../support/eventually.ts';

describe('deadline of the operator on a peer', () => {
  function started(limitMs: number) {
    const clock = new FakeClock();
    const expiredMs: number[] = [];
    const deadline = peerDeadline(clock, limitMs, () => expiredMs.push(clock.nowMs()));
    return { clock, expiredMs, deadline };
  }

  it('is in time while the process is there', async () => {
    const { clock, expiredMs } = started(1100);
    await clock.advance(5000);
    expect(expiredMs).to.deep.equal([1100]);
  });

  it('is not used up by time in which the process was not there', async () => {
    const { clock, expiredMs } = started(1000);
    await clock.advance(300);
    await clock.leap(60_000);
    expect(expiredMs).to.deep.equal([]);
    await clock.advance(499);
    expect(expiredMs).to.deep.equal([]);
    await clock.advance(1);
    expect(expiredMs).to.deep.equal([60_800]);
  });

  it('hears what has arrived before it judges', async () => {
    const { clock, expiredMs, deadline } = started(STEP_MS);
    await clock.leap(60_000);
    expect(expiredMs).to.deep.equal([]);
    deadline.cancel();
    await clock.advance(60_000);
    expect(expiredMs).to.deep.equal([]);
  });

  it('passes after so many looks although each of them is late', async () => {
    const { clock, expiredMs } = started(4 * STEP_MS);
    for (let look = 0; look < 4; look++) await clock.leap(5000);
    expect(expiredMs).to.deep.equal([]);
    await clock.advance(HEARING_MS);
    expect(expiredMs).to.have.length(1);
  });
});

describe('watch of a process that was away', () => {
  it('hears what has come meanwhile before it is called silent', async () => {
    const { api, informer, close } = await watching({ idleTimeoutMs: 400 });
    try {
      api.objects.put(SERVICES, service('a'));
      informer.start();
      await eventually('synced and watching', () => informer.hasSynced && api.openWatches === 1);
      // From here on in a callback of the poll phase, which Node's timers follow.
      await new Promise((resolve) => stat('/', resolve));
      api.bookmark();
      for (const end = performance.now() + 800; performance.now() < end; );
      await eventually('heard', () => informer.silentMs < 200);
      await eventually('and time passes', () => informer.silentMs > 250);
      expect(informer.stats.restarts.idle).to.equal(0);
    } finally {
      await close();
    }
  });
});
