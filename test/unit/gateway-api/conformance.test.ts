import { expect } from 'chai';
import { readLog } from '../../../hack/gateway-api/conformance/log.ts';
import { type Report, summary } from '../../../hack/gateway-api/conformance/summary.ts';

/** As `go test -v` interleaves tests that run in parallel. */
const LOG = `=== RUN   TestConformance
    conformance.go:135: Running conformance tests with:
=== RUN   TestConformance/GatewayInfrastructure
    conformance.go:58: Skipping GatewayInfrastructure: suite does not support Gateway
=== RUN   TestConformance/MeshBasic
=== RUN   TestConformance/MeshBasic/0_request_to_'echo/'
=== RUN   TestConformance/MeshMatching
=== RUN   TestConformance/MeshMatching/0_request_to_'/v2'
=== PAUSE TestConformance/MeshMatching/0_request_to_'/v2'
=== RUN   TestConformance/MeshMatching/1_request_to_'/'
=== PAUSE TestConformance/MeshMatching/1_request_to_'/'
=== CONT  TestConformance/MeshMatching/0_request_to_'/v2'
    pod.go:72: 2026-11-30T07:32:28Z: Response expectation failed for request: [client http://echo/v2 --method=GET]  not ready yet: wanted status code to be one of [200], got 404 (after 1.7s)
=== CONT  TestConformance/MeshMatching/1_request_to_'/'
    pod.go:72: 2026-11-30T07:32:28Z: Request [client http://echo/] failed, not ready yet: command terminated with exit code 1 (after 2s)
=== NAME  TestConformance/MeshMatching/0_request_to_'/v2'
    pod.go:72: 2026-11-30T07:32:29Z: Response expectation failed for request: [client http://echo/v2 --method=GET]  not ready yet: wanted status code to be one of [404 404 404], got 200 (after 30s)
    http.go:240: 2026-11-30T07:32:30Z: timeout while waiting after 12 attempts
=== RUN   TestConformance/MeshWeight
=== RUN   TestConformance/MeshWeight/Requests
    weight.go:94: Traffic distribution test failed (10/10): backend "echo-v1" weighted traffic of 0.5 not within tolerance 0.7 (+/-0.050000)
    weight.go:99: Weighted distribution tests failed
=== NAME  TestConformance/MeshApply
    apply.go:12:
        	Error Trace:	apply.go:12
        	Error:      	Received unexpected error:
--- FAIL: TestConformance (99.00s)
    --- SKIP: TestConformance/GatewayInfrastructure (0.00s)
    --- PASS: TestConformance/MeshBasic (0.42s)
        --- PASS: TestConformance/MeshBasic/0_request_to_'echo/' (0.41s)
    --- FAIL: TestConformance/MeshMatching (0.12s)
        --- FAIL: TestConformance/MeshMatching/0_request_to_'/v2' (30.00s)
        --- PASS: TestConformance/MeshMatching/1_request_to_'/' (3.00s)
    --- FAIL: TestConformance/MeshWeight (20.00s)
        --- FAIL: TestConformance/MeshWeight/Requests (20.00s)
    --- FAIL: TestConformance/MeshApply (1.00s)
FAIL
`;

const REPORT: Report = {
  date: '2026-11-30T07:31:10Z',
  gatewayAPIVersion: 'v1.4.1',
  gatewayAPIChannel: 'standard',
  implementation: { project: 'weft', version: '0.1.0' },
  profiles: [
    {
      name: 'MESH-HTTP',
      core: { result: 'failure', statistics: { Passed: 1, Failed: 2, Skipped: 0 } },
      extended: {
        result: 'success',
        statistics: { Passed: 7, Failed: 0, Skipped: 0 },
        supportedFeatures: ['C'],
        unsupportedFeatures: ['A', 'B'],
      },
    },
    { name: 'MESH-GRPC', core: { result: 'success', statistics: { Passed: 2, Failed: 0, Skipped: 0 } } },
  ],
};

describe('the log of the conformance suite', () => {
  it('tells each test, and of each part that failed the last expectation that did not hold', () => {
    expect(readLog(LOG)).to.deep.equal([
      { name: 'GatewayInfrastructure', outcome: 'skipped', seconds: 0, failures: [] },
      { name: 'MeshBasic', outcome: 'passed', seconds: 0.42, failures: [] },
      {
        name: 'MeshMatching',
        outcome: 'failed',
        seconds: 30,
        failures: [{ part: "0 request to '/v2'", reason: 'wanted status code to be one of 404, got 200' }],
      },
      {
        name: 'MeshWeight',
        outcome: 'failed',
        seconds: 20,
        failures: [
          {
            part: 'Requests',
            reason: 'backend "echo-v1" weighted traffic of 0.5 not within tolerance 0.7 (+/-0.050000)',
          },
        ],
      },
      {
        name: 'MeshApply',
        outcome: 'failed',
        seconds: 1,
        failures: [{ part: '', reason: 'Received unexpected error:' }],
      },
    ]);
  });

  it('is summed up in a table of levels and one of tests, without those that were left out', () => {
    const text = summary(readLog(LOG), REPORT);
    expect(text).to.contain('1 of 4 tests passed.').and.not.to.contain('GatewayInfrastructure');
    expect(text.split('\n')).to.include.members([
      '| MESH-HTTP | core | failure | 1 | 2 | 0 |  |  |',
      '| MESH-HTTP | extended | success | 7 | 0 | 0 | C | A, B |',
      '| MESH-GRPC | core | success | 2 | 0 | 0 |  |  |',
      '| MeshBasic | passed | 0.4 | |',
      '| MeshMatching | failed | 30.0 | |',
      "| | | | 0 request to '/v2': wanted status code to be one of 404, got 200 |",
      '| | | | Received unexpected error: |',
    ]);
  });
});
