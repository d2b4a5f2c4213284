import { expect } from 'chai';
import { PacedConnection } from '../../../proxy-image/io/transport/paced.ts';
import { TurnBudget } from '../../../proxy-image/io/transport/turn-budget.ts';

const MIB = 1024 * 1024;

/** Notes whether it is read, and writes so much whenever it may. */
class Paced extends PacedConnection {
  reading = true;
  drains = 0;
  writesBytes = 0;
  protected stopReading(): void {
    this.reading = false;
  }
  protected startReading(): void {
    this.reading = true;
  }
  protected tellDrained(): void {
    this.drains++;
    this.bytesWritten += this.writesBytes;
  }
  read(bytes: number): void {
    this.hasRead(bytes);
  }
  writable(): void {
    this.canWrite();
  }
}

describe('budget of a turn', () => {
  let ends: (() => void)[];
  let budget: TurnBudget;

  beforeEach(() => {
    ends = [];
    budget = new TurnBudget((run) => ends.push(run));
  });

  function endTurn(): void {
    for (const run of ends.splice(0)) run();
  }

  const paced = (count: number): Paced[] => Array.from({ length: count }, () => new Paced(budget));
  const read = (all: Paced[]): boolean[] => all.map(({ reading }) => reading);

  it('a stream that keeps within it is never stopped, and small pieces do not even count', () => {
    const [large, small] = paced(2) as [Paced, Paced];
    for (let turn = 0; turn < 5; turn++) {
      large.read(MIB);
      for (let piece = 0; piece < 1000; piece++) small.read(8000);
      expect(read([large, small])).to.deep.equal([true, true]);
      endTurn();
    }
    expect(ends).to.deep.equal([]);
  });

  it('a stream that is alone is never stopped, on either of its sides, and no end of a turn is asked for', () => {
    const [source, sink] = paced(2) as [Paced, Paced];
    sink.writesBytes = 4 * MIB;
    for (let event = 1; event <= 5; event++) {
      source.read(4 * MIB);
      sink.writable();
      expect([source.reading, sink.drains]).to.deep.equal([true, event]);
    }
    expect(ends).to.deep.equal([]);
  });

  it('streams beyond it are read in turn, so many in a turn as it allows', () => {
    const all = paced(8);
    for (const each of all) each.read(MIB);
    expect(read(all)).to.deep.equal([true, false, false, false, false, false, false, false]);
    const turns: string[] = [];
    for (let turn = 0; turn < 8; turn++) {
      const before = read(all);
      endTurn();
      turns.push([...all.keys()].filter((at) => all[at]!.reading && !before[at]).join(' '));
      for (const each of all) if (each.reading) each.read(MIB);
    }
    expect(turns).to.deep.equal(['1 2', '3 4', '5 6', '0 7', '1 2', '3 4', '5 6', '0 7']);
  });

  it('small pieces pass while large streams wait', () => {
    const [one, two, small] = paced(3) as [Paced, Paced, Paced];
    one.read(2 * MIB);
    two.read(2 * MIB);
    small.read(100);
    expect(read([one, two, small])).to.deep.equal([true, false, true]);
  });

  it('who may write again hears it when its turn comes, and what it writes counts', () => {
    const [reader, ...writers] = paced(4) as [Paced, ...Paced[]];
    for (const each of writers) each.writesBytes = 2 * MIB;
    reader.read(2 * MIB);
    for (const each of writers) each.writable();
    const drains = (): number[] => writers.map((each) => each.drains);
    expect(drains(), 'the second shows that there are several').to.deep.equal([1, 1, 0]);
    for (let turn = 0; turn < 4; turn++) endTurn();
    expect(drains()).to.deep.equal([1, 1, 1]);
    expect(reader.reading).to.equal(true);
  });

  it('what its handler wants paused stays so when its turn comes, and is read when it wants', () => {
    const [first, second] = paced(2) as [Paced, Paced];
    first.read(2 * MIB);
    second.read(MIB);
    second.pause();
    for (let turn = 0; turn < 3; turn++) endTurn();
    expect(read([first, second])).to.deep.equal([true, false]);
    second.resume();
    expect(second.reading).to.equal(true);
    second.read(MIB);
    first.read(2 * MIB);
    first.resume();
    expect(first.reading, 'not before its turn').to.equal(false);
    endTurn();
    expect(first.reading).to.equal(true);
  });

  it('who is closed meanwhile is left alone', () => {
    const [other, first, second] = paced(3) as [Paced, Paced, Paced];
    other.read(MIB);
    first.read(2 * MIB);
    second.writable();
    first.isOpen = false;
    second.isOpen = false;
    for (let turn = 0; turn < 3; turn++) endTurn();
    expect([first.reading, second.drains]).to.deep.equal([false, 0]);
    expect(ends).to.deep.equal([]);
  });
});
