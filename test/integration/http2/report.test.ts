import { expect } from 'chai';
import { verdictOf } from './h2spec.ts';

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="6.7. PING" package="http2/6.7" id="6.7" tests="2" skipped="0" failures="0" errors="1">
    <testcase package="http2/6.7" classname="Sends a PING frame" time="0.0004"></testcase>
    <testcase package="http2/6.7" classname="Sends a PING frame with ACK" time="0.0007">
      <error>PING Frame
Connection closed
Timeout</error>
    </testcase>
  </testsuite>
  <testsuite name="5.1.2. Stream Concurrency" package="http2/5.1.2" id="5.1.2" tests="1" skipped="1" failures="0" errors="0">
    <testcase package="http2/5.1.2" classname="Sends too many" time="0.0006">
      <skipped></skipped>
    </testcase>
  </testsuite>
</testsuites>`;

describe('the verdict of h2spec', () => {
  it('is read from its report, with the section, the case and what came instead', () => {
    expect(verdictOf(REPORT)).to.deep.equal({
      passed: 1,
      failed: [
        'http2/6.7 (6.7. PING): Sends a PING frame with ACK: expected PING Frame or Connection closed, came Timeout',
      ],
      skipped: ['http2/5.1.2 (5.1.2. Stream Concurrency): Sends too many'],
    });
  });
});
