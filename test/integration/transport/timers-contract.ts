import { expect } from 'chai';
import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { until } from './recorder.ts';

/** What the timers of every transport must do. */
export function timersContract(transportOf: () => Transport): void {
  describe('timers', () => {
    it('fire once, not before their time, in order', async () => {
      const fired: { name: string; atMs: number }[] = [];
      const timers = transportOf().timers;
      const owner = (name: string) => ({ onTimer: () => fired.push({ name, atMs: timers.nowMs() }) });
      const startMs = timers.nowMs();
      timers.set(timers.create(owner('late')), 90);
      timers.set(timers.create(owner('early')), 30);
      const cleared = timers.create(owner('cleared'));
      timers.set(cleared, 20);
      timers.clear(cleared);
      const moved = timers.create(owner('moved'));
      timers.set(moved, 20);
      timers.set(moved, 60);
      const nearer = timers.create(owner('nearer'));
      timers.set(nearer, 8000);
      timers.set(nearer, 45);
      await until(() => fired.length === 4, 'four timers');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(fired.map(({ name }) => name)).to.deep.equal(['early', 'nearer', 'moved', 'late']);
      [30, 45, 60, 90].forEach((delayMs, i) => {
        expect(fired[i]!.atMs - startMs).to.be.at.least(delayMs);
      });
    });

    it('an owner may arm again from within', async () => {
      let count = 0;
      const timers = transportOf().timers;
      const timer = timers.create({
        onTimer: (self) => {
          if (++count < 3) timers.set(self, 10);
        },
      });
      timers.set(timer, 10);
      await until(() => count === 3, 'three times');
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(count).to.equal(3);
    });
  });
}
