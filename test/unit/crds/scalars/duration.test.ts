import { expect } from 'chai';
import fc from 'fast-check';
import { formatDuration, parseDuration } from '../../../../crds/scalars/duration.ts';

function ms(text: string): number {
  const parsed = parseDuration(text);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.problem}`);
  return parsed.value;
}

describe('durations in the grammar of time.ParseDuration', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['+0', 0],
    ['-0', 0],
    ['0s', 0],
    ['-0s', 0],
    ['300ms', 300],
    ['1.5h', 5_400_000],
    ['2h45m', 9_900_000],
    ['2h45m0.5s', 9_900_500],
    ['-1s', -1_000],
    ['+1s', 1_000],
    ['.5s', 500],
    ['1.s', 1_000],
    ['1us', 0.001],
    ['1µs', 0.001],
    ['1μs', 0.001],
    ['5ns', 5e-6],
    ['1m1m', 120_000],
    ['24h0m0s', 86_400_000],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${text} as ${expected} ms`, () => {
      expect(ms(text)).to.be.closeTo(expected, 1e-9);
      expect(Object.is(ms(text), -0)).to.equal(false);
    });
  }

  const wrong = [
    '',
    '+',
    '-',
    's',
    '5',
    '5x',
    '1 s',
    ' 1s',
    '1s ',
    '1d',
    '--1s',
    '.s',
    '1h-5m',
    'NaNs',
    'Infinitys',
    '1e3s',
    '1S',
  ];
  for (const text of [...wrong, `${'9'.repeat(40)}h`, `1${'0'.repeat(80)}ns`]) {
    it(`refuses ${JSON.stringify(text.slice(0, 30))}`, () => {
      expect(parseDuration(text).ok).to.equal(false);
    });
  }

  it('refuses what does not fit 64 bits of nanoseconds, as Go does', () => {
    expect(parseDuration('2562047h').ok).to.equal(true);
    expect(parseDuration('2562048h')).to.deep.equal({
      ok: false,
      problem: 'must be a duration shorter than 292 years',
    });
  });

  it('prints as Go does', () => {
    const printed = [0, 500, 1_500, 61_000, 9_900_000, 86_400_000, 1.5, 0.25, 5e-6, -1_000].map(formatDuration);
    expect(printed).to.deep.equal([
      '0s',
      '500ms',
      '1.5s',
      '1m1s',
      '2h45m0s',
      '24h0m0s',
      '1.5ms',
      '250µs',
      '5ns',
      '-1s',
    ]);
  });

  it('reads what it prints', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e12, max: 1e12 }), (thousandths) => {
        const value = thousandths / 1000;
        expect(ms(formatDuration(value))).to.be.closeTo(value, 1e-5);
      }),
    );
  });
});
