import { expect } from 'chai';
import { sumOf } from '../../../hack/demo/metrics.ts';

const TEXT = `# HELP response_total responses
# TYPE response_total counter
response_total{direction="outbound",dst_service="web",tls="true"} 3
response_total{direction="outbound",tls="true",dst_service="ballots",note="a b"} 4
response_total{direction="inbound",src_direction="outbound",tls="true"} 50
response_total_other{direction="outbound"} 600
`;

describe('the sum of series', () => {
  it('takes those of the family that have all labels, whatever their order', () => {
    expect(sumOf(TEXT, 'response_total', { tls: 'true', direction: 'outbound' })).to.equal(7);
    expect(sumOf(TEXT, 'response_total', { dst_service: 'web' })).to.equal(3);
    expect(sumOf(TEXT, 'response_total', {})).to.equal(57);
  });

  it('is 0 without any', () => {
    expect(sumOf(TEXT, 'response_total', { dst_service: 'we' })).to.equal(0);
    expect(sumOf('', 'response_total', {})).to.equal(0);
  });
});
