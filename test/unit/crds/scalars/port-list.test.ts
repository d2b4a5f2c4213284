import { expect } from 'chai';
import { portNames, readPortList } from '../../../../crds/scalars/port-list.ts';

const NAMES = portNames([
  { name: 'mysql', port: 3306 },
  { name: '', port: 9 },
  { name: 'metrics', port: 9100 },
  { name: 'metrics', port: 9200 },
]);

describe('lists of ports in annotations', () => {
  it('keep their order; spaces and empty entries do not matter', () => {
    expect(readPortList(' 25, 4444-5555 ,,80').ranges).to.deep.equal([
      [25, 25],
      [4444, 5555],
      [80, 80],
    ]);
  });

  it('say that there are none when they are empty', () => {
    for (const text of ['', ' ', ',', ' , ']) {
      expect(readPortList(text), JSON.stringify(text)).to.deep.equal({ ranges: [], leftOut: [], problem: '' });
    }
  });

  it('take names, of which one may stand for several ports', () => {
    expect(readPortList('metrics,mysql', NAMES).ranges).to.deep.equal([
      [9100, 9100],
      [9200, 9200],
      [3306, 3306],
    ]);
  });

  for (const entry of ['nonsense', '20-10', '1-', '-1', '1-2-3', '0', '1-70000', '99999', '1;2', '__proto__']) {
    it(`hold without an entry that says nothing: ${entry}`, () => {
      for (const text of [`8080,${entry}`, `${entry} , 8080`]) {
        const { ranges, leftOut, problem } = readPortList(text, NAMES);
        expect({ ranges, leftOut, problem }).to.deep.equal({ ranges: [[8080, 8080]], leftOut: [entry], problem: '' });
      }
    });
    it(`say nothing when nothing else is in them: ${entry}`, () => {
      const { ranges, problem } = readPortList(entry, NAMES);
      expect(ranges).to.deep.equal([]);
      expect(problem).to.contain('must have a port');
    });
  }

  it('say nothing when they are longer than any real list', () => {
    const { ranges, problem } = readPortList('8080,'.repeat(2_000));
    expect(ranges).to.deep.equal([]);
    expect(problem).to.contain('8192');
  });
});
