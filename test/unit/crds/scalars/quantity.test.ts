import { expect } from 'chai';
import fc from 'fast-check';
import { formatQuantity, parseQuantity } from '../../../../crds/scalars/quantity.ts';

function milli(value: unknown): number {
  const parsed = parseQuantity(value);
  if (!parsed.ok) throw new Error(`${String(value)}: ${parsed.problem}`);
  return parsed.value;
}

describe('Kubernetes quantities in thousandths', () => {
  const cases: [unknown, number][] = [
    [5, 5_000],
    [0, 0],
    [-3, -3_000],
    ['5', 5_000],
    ['+5', 5_000],
    ['-5', -5_000],
    ['-0', 0],
    ['0', 0],
    ['500m', 500],
    ['1k', 1_000_000],
    ['1e3', 1_000_000],
    ['1E3', 1_000_000],
    ['1e-3', 1],
    ['0.5', 500],
    ['.5', 500],
    ['5.', 5_000],
    ['1.25', 1_250],
    ['1Ki', 1_024_000],
    ['0.5Ki', 512_000],
    ['1n', 1],
    ['1u', 1],
    ['1500u', 2],
    ['0.0001', 1],
    ['1M', 1e9],
    ['1E', 1e21],
  ];
  for (const [value, expected] of cases.filter(([, amount]) => amount <= Number.MAX_SAFE_INTEGER)) {
    it(`reads ${JSON.stringify(value)} as ${expected}`, () => {
      expect(milli(value)).to.equal(expected);
      expect(Object.is(milli(value), -0)).to.equal(false);
    });
  }

  const wrong = [
    '',
    ' 5',
    '5 ',
    'm',
    '.',
    '-',
    '5x',
    '5 m',
    '1e',
    '1e3m',
    '0x10',
    'NaN',
    'Infinity',
    '1_000',
    '１',
    'Ki',
    '--1',
  ];
  for (const value of [
    ...wrong,
    '1'.repeat(65),
    null,
    undefined,
    true,
    {},
    [],
    Number.NaN,
    Number.POSITIVE_INFINITY,
    0.5,
  ]) {
    it(`refuses ${String(value).slice(0, 20) || 'empty text'} (${typeof value})`, () => {
      expect(parseQuantity(value).ok).to.equal(false);
    });
  }

  it('E9 refuses quantities beyond exact integers instead of returning infinity', () => {
    for (const value of ['1e999', '1e9999', '9Ei', '1E', '9007199254740993', 1e300, Number.MAX_SAFE_INTEGER]) {
      expect(parseQuantity(value)).to.deep.equal({ ok: false, problem: 'is too large' });
    }
    expect(milli('1e-999')).to.equal(1);
    expect(milli('0e999')).to.equal(0);
  });

  it('never yields anything but safe integers', () => {
    const text = fc.stringMatching(/^[-+]?[0-9]{0,20}\.?[0-9]{0,20}([numkMGTPE]|[KMGTPE]i|[eE][-+]?[0-9]{1,5})?$/);
    fc.assert(
      fc.property(fc.oneof(text, fc.string(), fc.double(), fc.integer(), fc.anything()), (value) => {
        const parsed = parseQuantity(value);
        if (parsed.ok) expect(Number.isSafeInteger(parsed.value)).to.equal(true);
      }),
      { numRuns: 500 },
    );
  });

  it('reads what it prints, and prints the canonical form', () => {
    expect([0, 500, 5_000, 1_000_000, 1_500_000, 3e12, -2_000, 1_001].map(formatQuantity)).to.deep.equal([
      '0',
      '500m',
      '5',
      '1k',
      '1500',
      '3G',
      '-2',
      '1001m',
    ]);
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), (value) => {
        expect(milli(formatQuantity(value))).to.equal(value);
      }),
    );
  });
});
