import { expect } from 'chai';
import { QuietMoments } from '../../../proxy-image/io/quiet.ts';

class FakeRuntime {
  usedMs = 400;
  givenBack = 0;
  collected = 0;

  cpuMs(): number {
    return this.usedMs;
  }

  collect(): void {
    this.collected++;
  }

  giveBack(): void {
    this.givenBack++;
  }
}

describe('quiet moments', () => {
  let runtime: FakeRuntime;
  let quiet: QuietMoments;

  /** One interval in which the process uses so much. */
  const interval = (cpuMs: number): number => {
    runtime.usedMs += cpuMs;
    quiet.look();
    return runtime.givenBack;
  };

  beforeEach(() => {
    runtime = new FakeRuntime();
    quiet = new QuietMoments(runtime);
  });

  it('memory is given back once, when nothing happens any more after traffic', () => {
    expect(interval(4_000)).to.equal(0);
    expect(interval(10)).to.equal(1);
    expect(interval(10)).to.equal(1);
  });

  it('it is not under load, however long that lasts', () => {
    for (let i = 0; i < 100; i++) expect(interval(200)).to.equal(0);
  });

  it('under load garbage is collected, and only then', () => {
    interval(4_000);
    interval(4_000);
    expect(runtime.collected).to.equal(2);
    interval(10);
    interval(10);
    expect(runtime.collected).to.equal(2);
  });

  it('it is not where it would not be worth it', () => {
    for (let i = 0; i < 15; i++) expect(interval(199)).to.equal(0);
    expect(interval(199)).to.equal(1);
  });

  it('it is again after the next traffic', () => {
    interval(4_000);
    expect(interval(10)).to.equal(1);
    interval(4_000);
    expect(interval(10)).to.equal(2);
  });
});
