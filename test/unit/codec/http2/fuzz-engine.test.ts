import { check, Fuzzer } from '../../../fuzz/http2.ts';

describe('HTTP/2 engine: fuzz', () => {
  it('two thousand mutations hold the invariants', function () {
    this.timeout(60_000);
    const fuzzer = new Fuzzer(20_261_125);
    for (let i = 0; i < 2000; i++) check(fuzzer.next());
  });
});
