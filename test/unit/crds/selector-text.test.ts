import { expect } from 'chai';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import { parseSelectorText } from '../../../crds/scalars/label-selector-text.ts';

const LABELS = { app: 'web', tier: 'front', 'example.org/zone': 'a' };

describe('a label selector as kubectl -l takes it', () => {
  const cases: [text: string, matches: boolean][] = [
    ['', true],
    ['app=web', true],
    ['app==web,tier = front', true],
    ['app=other', false],
    ['app!=other', true],
    ['app!=web', false],
    ['missing!=x', true],
    ['app in (web, other),tier notin (back)', true],
    ['app in (other)', false],
    ['example.org/zone', true],
    ['!example.org/zone', false],
    ['!missing', true],
    ['missing', false],
    ['app=', false],
  ];
  for (const [text, matches] of cases) {
    it(`${JSON.stringify(text)} ${matches ? 'matches' : 'does not match'}`, () => {
      expect(matchesSelector(parseSelectorText(text)!, LABELS)).to.equal(matches);
    });
  }

  it('is none where it is not well formed, or too long', () => {
    for (const text of ['a b', 'app=web,', ',', 'app in web', 'app=w=b', '!', 'app in (a', '-a=b', 'a'.repeat(5_000)])
      expect(parseSelectorText(text), text.slice(0, 20)).to.equal(null);
  });
});
