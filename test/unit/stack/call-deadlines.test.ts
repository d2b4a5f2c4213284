import { expect } from 'chai';
import { CallDeadlines, HEAD, IDLE, PAUSE, REQUEST } from '../../../proxy-image/stack/call/call-deadlines.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { FakeTimers } from '../../fakes/timers.ts';

describe('deadlines of a call', () => {
  let clock: FakeClock;
  let due: [kind: number, atMs: number][];
  let deadlines: CallDeadlines;
  let onDue: (kind: number) => void;
  let startMs: number;

  beforeEach(() => {
    clock = new FakeClock();
    const timers = new FakeTimers(clock);
    due = [];
    onDue = () => {};
    startMs = timers.nowMs();
    deadlines = new CallDeadlines(timers, {
      due: (kind) => {
        due.push([kind, timers.nowMs() - startMs]);
        onDue(kind);
      },
    });
  });

  it('each is due in its time, whatever the order in which they were set', () => {
    deadlines.set(REQUEST, 300);
    deadlines.set(HEAD, 100);
    deadlines.set(IDLE, 200);
    clock.advanceSync(99);
    expect(due).to.deep.equal([]);
    for (let i = 0; i < 5; i++) clock.advanceSync(100);
    expect(due.map(([kind]) => kind)).to.deep.equal([HEAD, IDLE, REQUEST]);
  });

  it('a deadline that is cleared is not due, and the others still are', () => {
    deadlines.set(HEAD, 100);
    deadlines.set(REQUEST, 300);
    deadlines.clear(HEAD);
    clock.advanceSync(100);
    expect(due).to.deep.equal([]);
    clock.advanceSync(200);
    expect(due.map(([kind]) => kind)).to.deep.equal([REQUEST]);
  });

  it('set again, only the later time counts', () => {
    deadlines.set(HEAD, 100);
    clock.advanceSync(50);
    deadlines.set(HEAD, 100);
    clock.advanceSync(60);
    expect(due).to.deep.equal([]);
    clock.advanceSync(40);
    expect(due).to.have.length(1);
  });

  it('the end of the call within a deadline keeps the others from being due', () => {
    onDue = () => deadlines.clearAll();
    deadlines.set(REQUEST, 100);
    deadlines.set(HEAD, 100);
    deadlines.set(PAUSE, 100);
    clock.advanceSync(100);
    clock.advanceSync(1000);
    expect(due.map(([kind]) => kind)).to.deep.equal([REQUEST]);
  });

  it('what is set within a deadline is due in its time, also for a call that begins there', () => {
    onDue = (kind) => {
      if (kind !== REQUEST) return;
      deadlines.clearAll();
      deadlines.set(PAUSE, 50);
      deadlines.set(IDLE, 70);
    };
    deadlines.set(REQUEST, 100);
    clock.advanceSync(100);
    clock.advanceSync(49);
    expect(due).to.have.length(1);
    clock.advanceSync(1);
    clock.advanceSync(20);
    expect(due.map(([kind]) => kind)).to.deep.equal([REQUEST, PAUSE, IDLE]);
  });
});
