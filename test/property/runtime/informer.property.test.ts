import { expect } from 'chai';
import { Informer } from '../../../operator/runtime/informer.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { Reach } from '../../../operator/runtime/reach.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { randomOf } from '../../support/random.ts';
import { NO_TROUBLE, SimulatedKind, type SimulatedObject, type Trouble } from './simulated-kind.ts';

/** `HISTORIES=5000` takes a minute. */
const HISTORIES = Number(process.env['HISTORIES'] ?? 150);
const STEPS = 40;
/** Longer than the watchdog, a list that hangs, and the longest pause take together. */
const LONG_ENOUGH_MS = 400_000;

/** What its handlers have been told, put together; fails where they were told what cannot follow. */
function follow(informer: Informer<SimulatedObject, SimulatedObject>): ReadonlyMap<string, number> {
  const told = new Map<string, number>();
  informer.addHandler({
    added({ metadata: { name }, value }) {
      expect(told.has(name), `${name} added twice`).to.equal(false);
      told.set(name, value);
    },
    updated(before, { metadata: { name, resourceVersion }, value }) {
      expect(told.get(name), `${name} updated from what it was`).to.equal(before.value);
      expect(Number(resourceVersion), `${name} never grows older`).to.be.above(Number(before.metadata.resourceVersion));
      told.set(name, value);
    },
    deleted({ metadata: { name } }) {
      expect(told.delete(name), `${name} was there`).to.equal(true);
    },
  });
  return told;
}

function troubleOf(random: () => number): Trouble {
  const share = () => (random() < 0.3 ? random() : 0);
  return {
    failing: share(),
    reset: share(),
    twice: share(),
    silent: random() < 0.15,
    delayMs: random() < 0.2 ? 90_000 : 50,
  };
}

async function happens(seed: number): Promise<void> {
  const random = randomOf(seed);
  const clock = new FakeClock();
  const kind = new SimulatedKind(clock, random);
  const timing = { pageSize: 2, auditMs: random() < 0.5 ? 30_000 : 600_000 };
  const parts = { name: 'things', source: kind, clock, random, log: silentLog, timing };
  const informer = new Informer<SimulatedObject, SimulatedObject>({ ...parts, transform: (raw) => raw });
  const told = follow(informer);
  for (let value = 0; value < 5; value++) kind.put(`o${value}`, value);
  informer.start();
  // What is not heard of for longer than an audit allows for counts as lost, and rightly so.
  let isHeard = true;
  for (let step = 0; step < STEPS; step++) {
    const name = `o${Math.floor(random() * 7)}`;
    const choice = random();
    if (choice < 0.5) kind.put(name, step);
    else if (choice < 0.7) kind.remove(name);
    else if (choice < 0.76) kind.compact();
    else if (choice < 0.9) {
      kind.trouble = troubleOf(random);
      isHeard &&= !kind.trouble.silent && kind.trouble.delayMs < 1_000;
    } else await clock.advance(random() * 60_000);
    if (random() < 0.3) await clock.advance(random() * 100);
  }
  kind.trouble = NO_TROUBLE;
  await clock.advance(LONG_ENOUGH_MS);
  const wanted = Object.fromEntries([...kind.objects.values()].map(({ metadata, value }) => [metadata.name, value]));
  const known = Object.fromEntries(informer.store.list().map(({ metadata, value }) => [metadata.name, value]));
  expect(known, 'what is known').to.deep.equal(wanted);
  expect(Object.fromEntries(told), 'what was told').to.deep.equal(wanted);
  expect(informer.stats.handlerErrors).to.equal(0);
  if (isHeard) expect(informer.stats.missed).to.equal(0);
  void informer.stop();
  await clock.advance(1);
}

describe('an informer whose API server was away', () => {
  for (const [how, isTold] of [
    ['by the pauses that have grown meanwhile', false],
    ['within a second, when another request was answered', true],
  ] as const) {
    it(`is back ${how}`, async () => {
      const clock = new FakeClock();
      const reach = new Reach(clock);
      const kind = new SimulatedKind(clock, () => 0.5);
      const parts = { name: 'things', source: kind, clock, random: () => 0.5, log: silentLog, reach };
      const informer = new Informer<SimulatedObject, SimulatedObject>({ ...parts, transform: (raw) => raw });
      kind.put('a', 1);
      kind.trouble = { ...NO_TROUBLE, failing: 1 };
      informer.start();
      // Attempts after 0, 1.2, 3.6, 8.4, 18 and 37.2 seconds.
      await clock.advance(20_000);
      kind.trouble = NO_TROUBLE;
      reach.note(false);
      if (isTold) reach.note(true);
      await clock.advance(1_000);
      expect(informer.hasSynced).to.equal(isTold);
      await clock.advance(18_000);
      expect(informer.hasSynced).to.equal(true);
      void informer.stop();
      await clock.advance(1);
    });
  }
});

describe('an informer, whatever happens between it and the API server', () => {
  it(`knows in the end what there is, was told of nothing that cannot be, and missed no event (${HISTORIES} histories)`, async function () {
    this.timeout(600_000);
    for (let seed = 1; seed <= HISTORIES; seed++) {
      await happens(seed).catch((error) => {
        throw new Error(`history ${seed}: ${error.message}`, { cause: error });
      });
    }
  });
});
