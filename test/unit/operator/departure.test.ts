import { expect } from 'chai';
import { Departure } from '../../../operator/departure.ts';
import type { Component } from '../../../operator/runtime/manager.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';

const LAME_DUCK_MS = 5_000;

function setup() {
  const clock = new FakeClock();
  const events: string[] = [];
  const departure = new Departure(clock, LAME_DUCK_MS, () => events.push('begun'));
  const servers: Component = {
    name: 'servers',
    start: async () => void events.push('start'),
    stop: async () => void events.push('stop'),
  };
  return { clock, events, departure, awaited: departure.awaitedBy(servers) };
}

describe('departure of a replica', () => {
  it('is seen at once: it is not ready any more, and clients that keep connections are told', async () => {
    const { departure, events } = setup();
    expect(departure.check.check()).to.equal(null);
    departure.begin();
    departure.begin();
    expect(departure.check.check()).to.equal('is stopping');
    expect(events).to.deep.equal(['begun']);
  });

  it('keeps what serves going until nobody is led to it, counted from when it began', async () => {
    const { clock, departure, events, awaited } = setup();
    await awaited.start(new AbortController().signal);
    departure.begin();
    await clock.advance(2_000);
    const stopped = awaited.stop();
    await clock.advance(LAME_DUCK_MS - 2_001);
    expect(events).to.deep.equal(['start', 'begun']);
    await clock.advance(1);
    await stopped;
    expect(events).to.deep.equal(['start', 'begun', 'stop']);
  });

  it('waits no longer where the time has passed while the lead was given up', async () => {
    const { clock, departure, events, awaited } = setup();
    departure.begin();
    await clock.advance(LAME_DUCK_MS + 1);
    void awaited.stop();
    await settle();
    expect(events).to.include('stop');
  });
});
