import { expect } from 'chai';
import { exponentialMs } from '../../../lib/backoff.ts';
import { REFLECTION, Reflection, watchSeconds } from '../../../lib/reflection.ts';

/** How a kind is followed, on a clock that is turned by hand. */
class Following {
  readonly reflection: Reflection;
  nowMs = 1_000_000;

  constructor(random = 0) {
    this.reflection = new Reflection(REFLECTION, () => random);
  }

  failed(failure: 'expired' | 'absent' | 'other', atLeastMs = 0): number {
    return this.reflection.failed(failure, this.nowMs, atLeastMs);
  }

  listed(version: string): void {
    this.reflection.listed(version, this.nowMs);
  }

  get next(): string {
    const { version, listFrom } = this.reflection;
    return version === '' ? `list at '${listFrom}'` : `watch from ${version}`;
  }
}

describe('following a kind of the API', () => {
  it('lists what the server has at hand first, then watches from the last version that was seen', () => {
    const following = new Following();
    expect(following.next).to.equal("list at '0'");
    following.listed('7');
    following.reflection.advanced('9');
    expect(following.next).to.equal('watch from 9');
    following.failed('other');
    expect(following.next, 'a failure loses nothing').to.equal('watch from 9');
  });

  it('lists the newest after an expiry, at once unless the list was just made', () => {
    const following = new Following();
    following.listed('7');
    expect(following.failed('expired')).to.equal(800);
    expect(following.next).to.equal("list at ''");
    following.listed('8');
    following.nowMs += 1_001;
    expect(following.failed('expired')).to.equal(0);
  });

  it('asks every ten seconds for a kind that is not served, and lists the newest once it is', () => {
    const following = new Following();
    following.listed('7');
    expect([following.failed('absent'), following.failed('absent')]).to.deep.equal([10_000, 10_000]);
    expect(following.reflection.isAbsent).to.equal(true);
    expect(following.next).to.equal("list at ''");
    following.failed('other');
    expect(following.reflection.isAbsent, 'a failure says nothing of it').to.equal(true);
    following.listed('8');
    expect(following.reflection.isAbsent).to.equal(false);
  });

  it('pauses from 0.8 s to 30 s, doubling, and adds up to the whole pause at random', () => {
    const following = new Following();
    const delays = Array.from({ length: 8 }, () => following.failed('other'));
    expect(delays).to.deep.equal([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    const scattered = new Following(0.5);
    expect([scattered.failed('other'), scattered.failed('other')]).to.deep.equal([1_200, 2_400]);
  });

  it('starts anew after two minutes of health, which a long pause is not', () => {
    const following = new Following();
    for (let i = 0; i < 8; i++) following.nowMs += following.failed('other');
    following.nowMs += 119_000;
    expect(following.failed('other')).to.equal(30_000);
    following.nowMs += 30_000 + 121_000;
    expect(following.failed('other')).to.equal(800);
    expect(following.failed('other', 180_000), 'Retry-After').to.equal(180_000);
    following.nowMs += 180_000;
    expect(following.failed('other')).to.equal(3_200);
  });

  it('spreads the ends of watches over five to ten minutes', () => {
    expect([0, 0.5, 1].map((random) => watchSeconds(REFLECTION, () => random))).to.deep.equal([300, 450, 600]);
  });

  it('never overflows', () => {
    expect(exponentialMs(5, 10_000, 300_000)).to.equal(300_000);
  });
});
