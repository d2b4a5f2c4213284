import { expect } from 'chai';
import { PooledKubeConfig } from '../../../operator/kube/kubeconfig.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import type { Clock } from '../../../operator/runtime/clock.ts';
import type { RequestError } from '../../../operator/runtime/errors.ts';
import type { LeaseClient } from '../../../operator/runtime/leader-elector.ts';
import { LeaderElector } from '../../../operator/runtime/leader-elector.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import type { Tenure } from '../../../operator/runtime/tenure.ts';
import { FakeApiServer } from '../../fakes/api-server.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeLease } from '../../fakes/lease.ts';
import { SERVICES, service } from '../../fakes/watching.ts';
import { eventually } from '../../support/eventually.ts';

function candidate(lease: LeaseClient, clock: Clock): LeaderElector {
  const nothing = () => {};
  return new LeaderElector({
    identity: 'a',
    lease,
    clock,
    random: () => 0,
    log: silentLog,
    onStarted: nothing,
    onLost: nothing,
  });
}

describe('tenure of a leader', () => {
  it('has nothing left before the lead, ten seconds after each renewal, and nothing after the end', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const elector = candidate(lease.client(), clock);
    expect(elector.tenure.leftMs()).to.equal(0);
    elector.start();
    await clock.advance(0);
    expect(elector.tenure.leftMs()).to.equal(10_000);
    await clock.advance(1_999);
    expect(elector.tenure.leftMs()).to.equal(8_001);
    await clock.advance(1);
    expect(elector.tenure.leftMs()).to.equal(10_000);
    lease.touch({ holder: 'usurper' });
    await clock.advance(2_000);
    expect(elector.tenure.leftMs()).to.equal(0);
    expect(elector.tenure.signal.aborted).to.equal(true);
  });

  it('is over before the lease is given back', async () => {
    const clock = new FakeClock();
    const lease = new FakeLease();
    const elector = candidate(lease.client(), clock);
    elector.start();
    await clock.advance(0);
    let holderAtTheEnd = '';
    elector.tenure.signal.addEventListener('abort', () => {
      holderAtTheEnd = lease.record!.holder;
    });
    await elector.release();
    expect(holderAtTheEnd).to.equal('a');
    expect(elector.tenure.leftMs()).to.equal(0);
  });

  it('counts from before the lease was asked for, however late the answer came', async () => {
    const clock = new FakeClock();
    const fake = new FakeLease().client();
    // Others have seen the lease change four seconds before this process hears of it.
    const late = async <R>(answer: R) => {
      await new Promise<void>((resolve) => clock.schedule(4_000, resolve));
      return answer;
    };
    const elector = candidate(
      { ...fake, create: async (record, signal) => late(await fake.create(record, signal)) },
      clock,
    );
    elector.start();
    await clock.advance(4_000);
    expect(elector.isLeader).to.equal(true);
    expect(elector.tenure.leftMs()).to.equal(6_000);
    await elector.release();
  });

  it('has nothing left on a machine that was suspended, until a renewal has shown that nobody else leads', async () => {
    const clock = new FakeClock();
    let asleepMs = 0;
    const monotonicStandsStill: Clock = {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs() + asleepMs,
      schedule: (delayMs, run) => clock.schedule(delayMs, run),
    };
    const elector = candidate(new FakeLease().client(), monotonicStandsStill);
    elector.start();
    await clock.advance(1_000);
    asleepMs = 60_000;
    expect(elector.tenure.leftMs()).to.equal(0);
    await clock.advance(1_000);
    expect(elector.tenure.leftMs()).to.equal(10_000);
    asleepMs = 0;
    expect(elector.tenure.leftMs(), 'a clock that was set back takes nothing away').to.equal(10_000);
    await elector.release();
  });
});

describe('requests that are bound to a tenure', () => {
  let api: FakeApiServer;
  let config: PooledKubeConfig;
  let end: AbortController;
  let leftMs: number;
  let bound: RestClient;
  const { signal } = new AbortController();
  const write = () => bound.json({ method: 'POST', path: SERVICES, body: service('a'), signal });
  const refusal = () =>
    write().then(
      () => null,
      (error: RequestError) => error,
    );

  beforeEach(async () => {
    api = await new FakeApiServer().start();
    config = api.configure(new PooledKubeConfig());
    end = new AbortController();
    leftMs = 5_000;
    const tenure: Tenure = { signal: end.signal, leftMs: () => leftMs };
    bound = new RestClient(config).boundTo(tenure);
  });

  afterEach(async () => {
    await config.close();
    await api.stop();
  });

  it('are sent while it lasts; when nothing is left reads alone are', async () => {
    leftMs = 0;
    expect((await refusal())?.message).to.equal('not sent: another process may hold the lease');
    await bound.json({ method: 'GET', path: SERVICES, signal });
    expect(api.requests.map(({ method }) => method)).to.deep.equal(['GET']);
    leftMs = 5_000;
    await write();
    expect(api.requests.map(({ method }) => method)).to.deep.equal(['GET', 'POST']);
  });

  it('are given up when it is over, at once', async () => {
    api.fault = () => ({ type: 'hang' });
    const refused = refusal();
    await eventually('the request is under way', () => api.requests.length === 1);
    end.abort(new Error('lost'));
    expect((await refused)?.message).to.contain('lost');
    await eventually('its connection is closed', () => api.openConnections === 0);
  });

  it('are waited for no longer than it lasts', async () => {
    api.fault = () => ({ type: 'hang' });
    leftMs = 50;
    expect((await refusal())?.message).to.equal('no answer within the time limit');
  });
});
