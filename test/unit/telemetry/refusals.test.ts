import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { REJECTIONS } from '../../../proxy-image/codec/http1/rejection.ts';
import {
  ADMIN_REFUSALS,
  INBOUND_REFUSALS,
  type InboundRefusal,
  OUTBOUND_REFUSALS,
  type OutboundRefusal,
  REFUSED_ANSWERS,
} from '../../../proxy-image/io/telemetry/refusals.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import { Bench } from './bench.ts';

/** Rows of the table in docs/metrics.md. */
function documented(): string[] {
  const text = readFileSync('docs/metrics.md', 'utf8');
  const [, section = ''] = /## Refused connections\n(.*?)\n## /s.exec(text) ?? [];
  return [...section.matchAll(/^\| (\w+) \| `(\w+)` \|[^|]*\| ?([^|]*?) ?\|$/gm)].map((row) => row.slice(1).join(' '));
}

describe('refused connections', () => {
  it('are all documented, with the error that they count as', () => {
    const known = [
      ...Object.entries(INBOUND_REFUSALS).map(([reason, { error }]) => `inbound ${reason} ${error}`),
      ...Object.entries(OUTBOUND_REFUSALS).map(([reason, { error }]) => `outbound ${reason} ${error}`),
      ...Object.keys(ADMIN_REFUSALS).map((reason) => `admin ${reason} `),
    ];
    expect(documented()).to.deep.equal(known);
  });

  it('of requests have every status that a parser gives', () => {
    // 500 stands for no rejection; 502 is for what servers send.
    const statuses = REJECTIONS.map(({ status }) => `${status}`).filter((status) => !/^50[02]$/.test(status));
    expect(REFUSED_ANSWERS).to.include.members(statuses);
    const bench = new Bench();
    for (const status of [...statuses, 'something else']) bench.recorder.requestRefused('inbound', status);
    const { samples } = bench.scrape().get('weft_requests_refused_total')!;
    expect(samples).to.have.length(3 * REFUSED_ANSWERS.length);
    expect(samples.reduce((sum, { value }) => sum + value, 0)).to.equal(statuses.length + 1);
  });

  it('count once by their reason, and once in the family of errors that tools read', () => {
    const bench = new Bench();
    for (const reason in INBOUND_REFUSALS) bench.recorder.inboundRefused(reason as InboundRefusal);
    for (const reason in OUTBOUND_REFUSALS) bench.recorder.outboundRefused(reason as OutboundRefusal);
    bench.recorder.adminRefused('made_room');
    const families = bench.scrape();
    for (const direction of ['inbound', 'outbound', 'admin']) {
      const samples = families
        .get('weft_connections_refused_total')!
        .samples.filter(({ labels }) => labels['direction'] === direction);
      expect(samples.every(({ value }) => value === 1)).to.equal(true);
      if (direction === 'admin') continue;
      const errors = ['http', 'tcp'].flatMap(
        (protocol) => families.get(`${direction}_${protocol}_errors_total`)!.samples,
      );
      expect(errors.reduce((sum, { value }) => sum + value, 0)).to.equal(samples.length);
    }
    expect(sampleValue(families, 'inbound_http_errors_total', { error: 'loadshed' })).to.equal(1);
    expect(sampleValue(families, 'inbound_tcp_errors_total', { error: 'gateway loop' })).to.equal(1);
  });
});
