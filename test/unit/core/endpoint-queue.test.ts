import { expect } from 'chai';
import { EndpointQueue, type QueueGuest, QueuePlace } from '../../../proxy-image/core/balance/queue.ts';

const LIMITS = { capacity: 3, failfastMs: 3_000 };

function placeOf(limits = LIMITS): QueuePlace {
  const guest: QueueGuest = { limits, lookAgain: () => false };
  return new QueuePlace(guest);
}

describe('queue for an endpoint', () => {
  function orderOf(queue: EndpointQueue): QueuePlace[] {
    const found: QueuePlace[] = [];
    for (let place = queue.first; place !== null; place = place.next) found.push(place);
    return found;
  }

  it('lets guests wait, then fails all at once, those that wait and new ones', () => {
    const queue = new EndpointQueue();
    expect(queue.enter(placeOf(), 1_000)).to.equal('wait');
    expect(queue.failsAtMs).to.equal(4_000);
    expect(queue.failsFast(LIMITS, 3_999)).to.equal(false);
    expect(queue.failsFast(LIMITS, 4_000)).to.equal(true);
    expect(queue.enter(placeOf(), 4_000)).to.equal('failfast');
    expect(queue.size).to.equal(1);
  });

  it('ends fail-fast with an endpoint', () => {
    const queue = new EndpointQueue();
    const place = placeOf();
    queue.enter(place, 0);
    expect(queue.failsFast(LIMITS, 9_000)).to.equal(true);
    queue.leave(place, 0);
    queue.ready();
    expect(queue.enter(placeOf(), 9_001)).to.equal('wait');
    expect(queue.failsFast(LIMITS, 12_000)).to.equal(false);
  });

  it('forgets what was found out before nobody asked for long', () => {
    const queue = new EndpointQueue();
    const place = placeOf();
    queue.enter(place, 0);
    queue.leave(place, 0);
    expect(queue.failsFast(LIMITS, 9_000)).to.equal(true);
    expect(queue.failsFast(LIMITS, 3_600_000)).to.equal(false);
    expect(queue.failsFast(LIMITS, 3_603_000)).to.equal(true);
  });

  it('counts how often it began to fail, once for each time without an endpoint, whatever limits its guests have', () => {
    const queue = new EndpointQueue();
    const patient = { ...LIMITS, failfastMs: 60_000 };
    queue.enter(placeOf(), 0);
    for (let nowMs = 2_500; nowMs < 6_000; nowMs += 250) {
      queue.failsFast(LIMITS, nowMs);
      queue.failsFast(patient, nowMs);
    }
    expect([queue.timesShut, queue.isShut]).to.deep.equal([1, true]);
    queue.ready();
    expect([queue.timesShut, queue.isShut]).to.deep.equal([1, false]);
    queue.failsFast(LIMITS, 7_000);
    queue.failsFast(LIMITS, 10_000);
    expect([queue.timesShut, queue.isShut]).to.deep.equal([2, true]);
    // Nobody asked for an hour: what was found out is forgotten.
    queue.failsFast(LIMITS, 3_600_000);
    expect(queue.isShut).to.equal(false);
  });

  it('sheds what is beyond its capacity, until one leaves', () => {
    const queue = new EndpointQueue();
    const places = [placeOf(), placeOf(), placeOf(), placeOf()];
    expect(places.map((place) => queue.enter(place, 0))).to.deep.equal(['wait', 'wait', 'wait', 'shed']);
    queue.leave(places[3]!, 0);
    expect(queue.size).to.equal(3);
    queue.leave(places[1]!, 0);
    expect(queue.enter(places[3]!, 1)).to.equal('wait');
  });

  it('keeps the order of arrival, whoever leaves', () => {
    const queue = new EndpointQueue();
    const [a, b, c] = [placeOf(), placeOf(), placeOf()];
    for (const place of [a, b, c]) queue.enter(place, 0);
    queue.leave(b, 0);
    expect(orderOf(queue)).to.deep.equal([a, c]);
    queue.enter(b, 0);
    queue.passOver();
    expect(orderOf(queue)).to.deep.equal([c, b, a]);
    for (const place of [a, c, b, b]) queue.leave(place, 0);
    expect([orderOf(queue), queue.size, queue.failsAtMs]).to.deep.equal([[], 0, Number.POSITIVE_INFINITY]);
    queue.enter(c, 0);
    expect(orderOf(queue)).to.deep.equal([c]);
  });

  it('counts from the first guest that found nothing, whatever the order of clocks', () => {
    const queue = new EndpointQueue();
    queue.enter(placeOf(), 500);
    queue.enter(placeOf(), 400);
    expect(queue.failsFast(LIMITS, 3_400)).to.equal(true);
  });

  it('tells its keeper of changes only while somebody waits', () => {
    const queue = new EndpointQueue();
    const told: string[] = [];
    queue.keeper = { entered: () => told.push('entered'), woken: () => told.push('woken') };
    queue.wake();
    queue.enter(placeOf(), 0);
    queue.wake();
    expect(told).to.deep.equal(['entered', 'woken']);
  });
});
