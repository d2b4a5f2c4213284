import { expect } from 'chai';
import fc from 'fast-check';
import { byAge, compareRevisions, newestRevision } from '../../../crds/state/order.ts';
import { meta } from '../../support/models.ts';

describe('order', () => {
  it('compares resourceVersions as numbers of any length', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 20n), fc.bigInt(0n, 10n ** 20n), fc.nat(3), (a, b, zeros) => {
        const expected = a < b ? -1 : a > b ? 1 : 0;
        expect(Math.sign(compareRevisions('0'.repeat(zeros) + a, String(b)))).to.equal(expected);
        expect(newestRevision(String(a), String(b))).to.equal(String(a > b ? a : b));
      }),
    );
  });

  it('takes what is no number for older than any', () => {
    for (const text of ['', 'abc', '-5']) {
      expect(compareRevisions(text, '0'), text).to.be.below(0);
      expect(compareRevisions('12345678901234567890', text), text).to.be.above(0);
    }
  });

  it('puts the oldest first, then the first by name, by code unit', () => {
    const at = (creationTimestamp: string, name: string) => ({ meta: meta(name, { creationTimestamp }) });
    const sorted = [
      at('2026-01-02T00:00:00Z', 'a'),
      at('2026-01-01T00:00:00Z', 'b'),
      at('2026-01-01T00:00:00Z', 'B'),
      at('2026-01-01T00:00:00Z', 'a-1'),
    ].sort(byAge);
    expect(sorted.map((each) => each.meta.name)).to.deep.equal(['B', 'a-1', 'b', 'a']);
  });
});
