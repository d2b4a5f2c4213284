import { expect } from 'chai';
import fc from 'fast-check';
import { Gate, Place } from '../../../../proxy-image/core/overload/gate.ts';
import { peerOf } from '../../../../proxy-image/core/overload/peer.ts';

/** One that waits, and remembers whether it had to go. */
class One {
  readonly name: string;
  readonly place: Place = new Place(this);
  gone = false;
  constructor(name: string) {
    this.name = name;
  }
  shed(): void {
    this.gone = true;
  }
}

describe('a gate', () => {
  let nowMs: number;
  let gate: Gate;

  beforeEach(() => {
    nowMs = 0;
    gate = new Gate(4);
  });

  function enter(peer: string, name = peer): One {
    const one = new One(name);
    gate.enter(one.place, peer, nowMs);
    return one;
  }

  /** Longer than whoever speaks at once needs. */
  function later(): void {
    nowMs += 2000;
  }

  it('lets in as many as it may, and for the next one the one that has waited longest goes', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => enter('peer', name));
    expect(gate.inside).to.equal(4);
    later();
    const newcomer = enter('peer');
    expect(all.map(({ gone }) => gone)).to.deep.equal([true, false, false, false]);
    expect([newcomer.gone, gate.inside]).to.deep.equal([false, 4]);
  });

  it('whoever has got through does not count any more', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) => enter('peer', name));
    gate.leave(all[0]!.place);
    gate.leave(all[0]!.place);
    expect(gate.inside).to.equal(3);
    enter('peer');
    expect(all.some(({ gone }) => gone)).to.equal(false);
  });

  it('the peer that holds most makes room, though others have waited longer', () => {
    const patient = enter('quiet');
    const flood = [enter('loud'), enter('loud'), enter('loud')];
    later();
    enter('newcomer');
    expect(patient.gone).to.equal(false);
    expect(flood.map(({ gone }) => gone)).to.deep.equal([true, false, false]);
    enter('another');
    expect(patient.gone).to.equal(false);
    expect(flood.map(({ gone }) => gone)).to.deep.equal([true, true, false]);
  });

  it('of many peers with one place each, the one that has had it longest makes room', () => {
    const all = ['a', 'b', 'c', 'd'].map((peer) => enter(peer));
    later();
    enter('e');
    enter('f');
    expect(all.map(({ gone }) => gone)).to.deep.equal([true, true, false, false]);
  });

  it('a caller that opens many connections at once does not pay for those that have kept silent', () => {
    const silent = [enter('a'), enter('b')];
    later();
    const burst = [enter('gateway'), enter('gateway'), enter('gateway')];
    expect(silent.map(({ gone }) => gone)).to.deep.equal([true, false]);
    enter('gateway');
    expect(silent.map(({ gone }) => gone)).to.deep.equal([true, true]);
    expect(burst.some(({ gone }) => gone)).to.equal(false);
  });

  it('where all have just come, the peer that holds most pays for itself', () => {
    const patient = enter('quiet');
    const flood = [enter('loud'), enter('loud'), enter('loud')];
    enter('loud');
    expect([patient.gone, flood[0]!.gone]).to.deep.equal([false, true]);
  });

  it('a place that was lost can be taken again', () => {
    const one = enter('a');
    for (const peer of ['b', 'c', 'd', 'e']) enter(peer);
    expect(one.gone).to.equal(true);
    one.gone = false;
    gate.enter(one.place, 'a', nowMs);
    gate.leave(one.place);
    expect([one.gone, gate.inside]).to.deep.equal([false, 3]);
  });

  it('agrees with a list that is searched, whatever comes and goes', () => {
    const steps = fc.array(
      fc.record({ peer: fc.constantFrom('a', 'b', 'c', 'd'), leaves: fc.option(fc.nat(20)), pauseMs: fc.nat(700) }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 6 }), (events, limit) => {
        const tried = new Gate(limit);
        let present: { one: One; peer: string; sinceMs: number }[] = [];
        let atMs = 0;
        for (const { peer, leaves, pauseMs } of events) {
          atMs += pauseMs;
          const leaving = leaves === null ? undefined : present[leaves];
          if (leaving !== undefined) {
            tried.leave(leaving.one.place);
            present = present.filter((other) => other !== leaving);
            continue;
          }
          const full = present.length === limit;
          const before = [...present];
          const one = new One(peer);
          tried.enter(one.place, peer, atMs);
          if (full) {
            const gone = before.filter((other) => other.one.gone);
            expect(gone).to.have.length(1);
            const [victim] = gone;
            const held = (name: string) => before.filter((other) => other.peer === name).length;
            const most = Math.max(...before.map((other) => held(other.peer)));
            const oldestOfPeer = before.find((other) => other.peer === victim!.peer);
            if (victim === before[0]) {
              // Always allowed where it is of the heaviest, else only because all of the heaviest's may have just come.
              if (held(victim!.peer) < most) expect(atMs - victim!.sinceMs).to.be.at.least(1000);
            } else {
              expect(held(victim!.peer)).to.equal(most);
              expect(victim).to.equal(oldestOfPeer);
            }
            present = present.filter((other) => other !== victim);
          }
          present.push({ one, peer, sinceMs: atMs });
          expect(tried.inside).to.equal(present.length);
        }
      }),
    );
  });
});

describe('who pays for a connection', () => {
  it('is its address, and of IPv6 the network', () => {
    expect(peerOf('10.1.2.3')).to.equal('10.1.2.3');
    expect(peerOf('2001:db8:0:1::1')).to.equal(peerOf('2001:db8:0:1:ffff::2'));
    expect(peerOf('2001:db8:0:1::1')).not.to.equal(peerOf('2001:db8:0:2::1'));
    expect(peerOf('::1')).not.to.equal(peerOf('2001:db8::1'));
    expect(peerOf('')).to.equal('');
  });
});
