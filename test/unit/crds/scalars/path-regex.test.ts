import { expect } from 'chai';
import { parsePathRegex, patternSize } from '../../../../crds/scalars/path-regex.ts';

describe('path patterns', () => {
  const legal = [
    '/api/.*',
    String.raw`/emojivoto\.v1\.VotingService/VoteDoughnut`,
    String.raw`/authors/\d+`,
    '/a/[^/]*',
    '(?i)/A',
    '',
    '/(?P<id>[^/]+)',
    String.raw`\p{Greek}+`,
    '[]a]',
    '[[:alpha:])]{7}',
    String.raw`\Q(\E{3}`,
  ];
  for (const text of legal) {
    it(`accepts ${text || 'the empty pattern'}`, () => {
      expect(parsePathRegex(text).ok).to.equal(true);
    });
  }

  const illegal = ['/api/(', '(?=a)', '(?!a)', '(?<=a)b', String.raw`(a)\1`, '[z-a]', 'a{1001}', '*', String.raw`\8`];
  for (const text of illegal) {
    it(`refuses ${text}, naming what is wrong`, () => {
      const parsed = parsePathRegex(text);
      expect(parsed.ok).to.equal(false);
      if (!parsed.ok) expect(parsed.problem).to.match(/^must be a valid regular expression: .+ in "/);
    });
  }

  it('refuses patterns longer than 1024 characters', () => {
    expect(parsePathRegex('a'.repeat(1_024)).ok).to.equal(true);
    expect(parsePathRegex('a'.repeat(1_025))).to.deep.equal({
      ok: false,
      problem: 'must be at most 1024 characters long',
    });
  });

  it('measures counted repetitions through groups, classes and quotations', () => {
    const sizes = [
      'abc',
      '[a-z]{3}',
      '(?:a{10}){10}',
      '((ab){5}){4}',
      String.raw`\p{L}{7}`,
      String.raw`(?:x\Q)\E){50}`,
      'a{2,5}',
      'a{3,}',
      '(',
      'a)',
    ].map(patternSize);
    expect(sizes).to.deep.equal([3, 3, 120, 40, 7, 400, 5, 3, 1, 2]);
  });

  it('E9 refuses, before it compiles, what would take long to compile', () => {
    const hostile = [
      String.raw`\pL{999}`.repeat(120),
      '((a|b){30}){30}'.repeat(60),
      '((((a{9}){9}){9}){9})',
      String.raw`(?:\Qaaaaaaaaaaaaaaaa\E){999}`,
    ];
    for (const text of hostile) {
      const parsed = parsePathRegex(text);
      expect(parsed.ok ? '' : parsed.problem, text.slice(0, 30)).to.match(/^is too complex/);
    }
  });
});
