import { expect } from 'chai';
import { FakeClock, settle } from '../../fakes/clock.ts';
import { webCluster } from '../../support/models.ts';
import { FakeReplica } from '../../support/replica-world.ts';

const MIN_AGE_MS = 300_000;
const WEB = 'service/10.0.0.1:80';

/** A replica with proxies that have been there since the times given, by pod. */
async function replica(...since: [pod: string, atMs: number][]) {
  const clock = new FakeClock();
  const world = new FakeReplica('op-a', webCluster(), clock);
  for (const [pod, atMs] of since) {
    await clock.advance(atMs - clock.nowMs());
    world.connect(pod, 'acknowledges', [WEB]);
    await settle();
  }
  return { clock, world, facts: world.facts };
}

describe('proxies that are asked to connect anew', () => {
  it('are those that have been there longest, and count here no longer', async () => {
    const { clock, world, facts } = await replica(['a', 0], ['b', 1_000], ['c', 2_000]);
    await clock.advance(MIN_AGE_MS);
    expect(facts.move(2, MIN_AGE_MS)).to.equal(2);
    expect([...facts.proxies()]).to.deep.equal(['app/c']);
    expect(facts.connections().connected).to.equal(1);
    await clock.advance(1_000);
    expect([...world.part.proxies], 'the leader hears of it').to.deep.equal(['app/c']);
    world.end();
  });

  it('are none that have just come: a proxy that was led back is left alone for a while', async () => {
    const { clock, world, facts } = await replica(['a', 0], ['b', 1_000]);
    await clock.advance(MIN_AGE_MS - 500);
    expect(facts.move(2, MIN_AGE_MS)).to.equal(1);
    world.connect('a', 'acknowledges', [WEB]);
    await settle();
    await clock.advance(500);
    expect(facts.move(5, MIN_AGE_MS)).to.equal(1);
    expect([...facts.proxies()]).to.deep.equal(['app/a']);
    await clock.advance(MIN_AGE_MS - 501);
    expect(facts.move(5, MIN_AGE_MS)).to.equal(0);
    await clock.advance(1);
    expect(facts.move(5, MIN_AGE_MS)).to.equal(1);
    world.end();
  });

  it('are none to which something is on its way', async () => {
    const { clock, world, facts } = await replica(['a', 0]);
    world.connect('b', 'keeps silent', [WEB]);
    await settle();
    await clock.advance(MIN_AGE_MS);
    expect(facts.move(2, MIN_AGE_MS)).to.equal(1);
    expect([...facts.proxies()]).to.deep.equal(['app/b']);
    world.end();
  });
});
