import { expect } from 'chai';
import fc from 'fast-check';
import { unifiedDifference } from '../../../../cli/output/difference.ts';

const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');

describe('the difference of two texts', () => {
  it('is empty where nothing differs', () => {
    expect(unifiedDifference('', '')).to.equal('');
    expect(unifiedDifference(text('a', 'b'), text('a', 'b'))).to.equal('');
  });

  it('has the lines that differ, and three around them', () => {
    const before = text('1', '2', '3', '4', '5', '6', '7', '8', '9');
    expect(unifiedDifference(before, before.replace('5\n', 'five\n'))).to.equal(
      text(' 2', ' 3', ' 4', '-5', '+five', ' 6', ' 7', ' 8'),
    );
    expect(unifiedDifference('', text('a'))).to.equal('+a\n');
    expect(unifiedDifference(text('a'), '')).to.equal('-a\n');
  });

  it('finds the fewest lines', () => {
    expect(
      unifiedDifference(text('a', 'b', 'c', 'a', 'b', 'b', 'a'), text('c', 'b', 'a', 'b', 'a', 'c')).match(/^[-+]/gm),
    )
      // Myers 1986, figure 2: five edits.
      .to.have.length(5);
  });

  it('makes the one text of the other, whatever they are', () => {
    const words = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 });
    fc.assert(
      fc.property(words, words, (before, after) => {
        // Everything is within three lines of something that differs when each line is followed by one that does.
        const lines = unifiedDifference(text(...before), text(...after))
          .split('\n')
          .slice(0, -1);
        const removed = lines.filter((line) => line.startsWith('-')).map((line) => line.slice(1));
        const added = lines.filter((line) => line.startsWith('+')).map((line) => line.slice(1));
        expect(added.length - removed.length).to.equal(after.length - before.length);
        expect(without(before, removed)).to.deep.equal(without(after, added));
        expect(lines.length === 0).to.equal(before.join('\n') === after.join('\n') && before.length === after.length);
      }),
    );
  });

  it('is all of both where they have hardly anything in common', () => {
    const many = (prefix: string) => Array.from({ length: 3_000 }, (_, at) => `${prefix}${at}`);
    const lines = unifiedDifference(text(...many('a')), text(...many('b'))).split('\n');
    expect(lines.filter((line) => line.startsWith('-'))).to.have.length(3_000);
    expect(lines.filter((line) => line.startsWith('+'))).to.have.length(3_000);
  });
});

/** As a bag: what is left of the one without these lines. */
function without(lines: readonly string[], taken: readonly string[]): string[] {
  const left = [...lines];
  for (const line of taken) left.splice(left.indexOf(line), 1);
  return left.toSorted();
}
