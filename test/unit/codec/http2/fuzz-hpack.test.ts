import { check, Fuzzer, type FuzzInput } from '../../../fuzz/hpack.ts';

/** What has been found, each once a defect. */
const FINDINGS: Record<string, FuzzInput> = {
  'a NUL as the name of a field, which a table of tokens maps to itself': ['828684010377656200010000'],
};

describe('HPACK and header sections: fuzz', () => {
  for (const [what, input] of Object.entries(FINDINGS)) it(`finding: ${what}`, () => check(input));

  it('two thousand sessions hold the invariants', function () {
    this.timeout(60_000);
    const fuzzer = new Fuzzer(20_261_125);
    for (let i = 0; i < 2_000; i++) check(fuzzer.next());
  });
});
