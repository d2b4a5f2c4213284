import { expect } from 'chai';
import { type Client, Clients } from '../../../../proxy-image/core/overload/clients.ts';
import { Xoshiro } from '../../../../proxy-image/core/rng.ts';

class One implements Client {
  slot = 0;
  arrival = 0;
  readonly from: string;
  readonly #busy: boolean;
  /** What it was told. */
  told = '';

  constructor(from: string, busy: boolean) {
    this.from = from;
    this.#busy = busy;
  }

  get expendable(): boolean {
    return !this.#busy;
  }

  makeRoom(): void {
    this.told = 'make room';
  }

  abort(): void {
    this.told = 'abort';
  }
}

describe('the clients of one side', () => {
  let clients: Clients<One>;

  function come(from: string, busy = false): One {
    const one = new One(from, busy);
    clients.add(one);
    return one;
  }

  function upTo(limit: number): void {
    clients = new Clients(limit, new Xoshiro(1));
  }

  it('as many as may be are let in', () => {
    upTo(2);
    expect(clients.admits()).to.equal(true);
    come('a', true);
    expect(clients.admits()).to.equal(true);
    come('a', true);
    expect(clients.admits()).to.equal(false);
  });

  it('the oldest on which nothing is under way makes room', () => {
    upTo(3);
    const [busy, idle, younger] = [come('a', true), come('a'), come('a')];
    expect(clients.admits()).to.equal(true);
    expect([busy.told, idle.told, younger.told]).to.deep.equal(['', 'make room', '']);
  });

  it('whoever has most idle ones makes room, not who has been there longest', () => {
    upTo(4);
    const [loyal] = [come('peer'), come('loud'), come('loud'), come('loud')];
    for (let i = 0; i < 2; i++) {
      expect(clients.admits()).to.equal(true);
      come('newcomer', true);
    }
    expect(loyal.told).to.equal('');
  });

  it('one that was told to go is not counted on twice, and is not told again', () => {
    upTo(1);
    const first = come('a');
    expect(clients.admits()).to.equal(true);
    const second = come('a', true);
    expect([first.told, clients.size]).to.deep.equal(['make room', 2]);
    expect(clients.admits(), 'the first is on its way out, the second is busy').to.equal(false);
    clients.removed(first);
    clients.removed(second);
    expect([clients.size, clients.admits()]).to.deep.equal([0, true]);
  });

  it('those that say goodbye slowly are cut off where there are many', () => {
    upTo(1);
    const told = Array.from({ length: 100 }, () => {
      const one = come('a');
      clients.admits();
      return one.told;
    });
    expect(told.slice(0, 64)).to.deep.equal(Array.from({ length: 64 }, () => 'make room'));
    expect(told.slice(64)).to.deep.equal(Array.from({ length: 36 }, () => 'abort'));
  });

  it('busy ones in front of idle ones keep nobody out', () => {
    upTo(20_000);
    for (let i = 0; i < 2000; i++) come('long-lived streams', true);
    for (let i = 0; i < 18_000; i++) come('attacker');
    let refused = 0;
    for (let i = 0; i < 10_000; i++) {
      if (!clients.admits()) refused++;
      come('newcomer', true);
    }
    expect(refused).to.equal(0);
  });

  it('a look costs the same, whatever the number of clients', () => {
    upTo(20_000);
    let looks = 0;
    class Counted extends One {
      override get expendable(): boolean {
        looks++;
        return false;
      }
    }
    for (let i = 0; i < 20_000; i++) clients.add(new Counted('a', true));
    expect(clients.admits()).to.equal(false);
    expect(looks).to.equal(64);
  });
});
