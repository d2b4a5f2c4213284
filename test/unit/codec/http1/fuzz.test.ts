import { check, Fuzzer, type FuzzInput } from '../../../fuzz/http1.ts';

/** What the fuzzer has found, each once a defect. */
const FINDINGS: Record<string, FuzzInput> = {
  'a field that is named by the bare prefix of the mesh': {
    requests: ['GET / HTTP/1.1\r\nHost: web\r\nl5d-: 5\r\n\r\n'],
    responses: ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  },
};

describe('HTTP/1 codec: fuzz', () => {
  for (const [what, input] of Object.entries(FINDINGS)) it(`finding: ${what}`, () => check(input));

  it('twenty thousand mutations hold the invariants', function () {
    this.timeout(180_000);
    const fuzzer = new Fuzzer(20_261_121);
    for (let i = 0; i < 20_000; i++) check(fuzzer.next());
  });
});
