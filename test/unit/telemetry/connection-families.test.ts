import { expect } from 'chai';
import type { Destination, DestinationEntry } from '../../../proxy-image/core/state/entries.ts';
import { entryOf } from '../../support/policy.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import { portPolicy } from '../core/fixtures.ts';
import { Bench, routed } from './bench.ts';

const destination = (port: number, entry: DestinationEntry | null = null): Destination => ({
  key: `service/10.0.0.1:${port}`,
  ip: '10.0.0.1',
  port,
  entry,
});
const HEADERS = 'inbound_tcp_transport_header_connections_total';
const OVERFLOW = { weft_overflow: 'true' };

describe('what is counted of connections', () => {
  it('puts detection into the buckets of Linkerd, each bound included', () => {
    const bench = new Bench();
    const policy = entryOf(portPolicy({ server: { group: '', kind: 'default', name: 'all-unauthenticated' } }));
    for (const ms of [0.5, 1, 1.5, 100, 101]) bench.recorder.connections().inboundDetected(policy, 'http1', ms);
    const families = bench.scrape();
    const name = 'inbound_tcp_detect_http_duration_seconds';
    const under = (le: string) => sampleValue(families, `${name}_bucket`, { le, srv_name: 'all-unauthenticated' });
    expect([under('0.001'), under('0.1'), under('+Inf')]).to.deep.equal([2, 4, 5]);
    expect(sampleValue(families, `${name}_sum`)).to.be.closeTo(0.204, 1e-9);
  });

  it('takes TLS of the application for what is not HTTP', () => {
    const bench = new Bench();
    for (const result of ['tls', 'opaque'] as const) {
      bench.recorder.connections().outboundDetected(destination(80), result, 1);
    }
    const results = bench.scrape().get('outbound_tcp_detect_http_results_total')!.samples;
    expect(results.map(({ labels, value }) => [labels['result'], value])).to.deep.equal([['not_http', 2]]);
  });

  it('spells HTTP/2 as Linkerd does: h2 where it was found out, http/2 where a transport header or the configuration says so', () => {
    const bench = new Bench();
    const connections = bench.recorder.connections();
    const policy = entryOf(portPolicy({}));
    connections.inboundDetected(policy, 'http2', 1);
    for (const session of ['http1', 'http2', 'opaque'] as const) connections.headerRead(session, 80, 'a');
    const said = (name: string, label: string) =>
      bench
        .scrape()
        .get(name)!
        .samples.map(({ labels }) => labels[label]);
    expect(said('inbound_tcp_detect_http_results_total', 'result')).to.deep.equal(['h2']);
    expect(said(HEADERS, 'session_protocol')).to.deep.equal(['http/1', 'http/2', '']);
  });

  it('names what is no Service: a pod is an endpoint, everything else a fallback', () => {
    const bench = new Bench();
    const service = routed(bench, 'HTTPRoute');
    const pod = { kind: 'pod', key: 'p', version: '1' } as DestinationEntry;
    for (const entry of [service, pod, null]) bench.recorder.connections().destined(destination(80, entry), 'detect');
    const samples = bench.scrape().get('outbound_tcp_protocol_connections_total')!.samples;
    expect(
      samples.map(({ labels }) => [labels['parent_kind'], labels['parent_name'], labels['parent_port']]),
    ).to.deep.equal([
      ['Service', 'web', '80'],
      ['default', 'endpoint', '80'],
      ['default', 'fallback', '80'],
    ]);
  });

  it('keeps the most series, however many identities and ports a client of the mesh makes up; the rest is a sum', () => {
    const bench = new Bench({ maxSeries: 10 });
    const connections = bench.recorder.connections();
    for (let made = 0; made < 1_000; made++) {
      connections.headerRead('http1', made % 65_536, `made-up-${made}"\n\\.shop`);
      connections.destined(destination(made), 'detect');
      connections.outboundDetected(destination(made), 'http1', 1);
      connections.streamOpened(destination(made));
      connections.streamClosed(destination(made), '');
    }
    const families = bench.scrape();
    expect(families.get(HEADERS)!.samples).to.have.length(11);
    expect(sampleValue(families, HEADERS, OVERFLOW)).to.equal(990);
    expect(sampleValue(families, 'outbound_tcp_protocol_connections_total', OVERFLOW)).to.equal(990);
    expect(sampleValue(families, 'outbound_tcp_detect_http_results_total', OVERFLOW)).to.equal(990);
    expect(sampleValue(families, 'outbound_tcp_route_open_total', OVERFLOW)).to.equal(990);
    expect(sampleValue(families, 'outbound_tcp_route_close_total', OVERFLOW)).to.equal(990);
  });

  it('drops what was not seen for ten minutes, which makes room; but streams that are open stay', () => {
    const bench = new Bench({ maxSeries: 1 });
    const connections = bench.recorder.connections();
    connections.headerRead('http2', 80, 'a');
    connections.streamOpened(destination(80));
    bench.idle(11);
    connections.headerRead('http2', 80, 'b');
    connections.streamClosed(destination(80), 'unexpected');
    const families = bench.scrape();
    expect(families.get(HEADERS)!.samples.map(({ labels }) => labels['client_id'])).to.deep.equal(['b']);
    expect(sampleValue(families, 'outbound_tcp_route_open_total', { parent_name: 'fallback' })).to.equal(1);
    bench.idle(11);
    expect(bench.scrape().get('outbound_tcp_route_open_total')!.samples).to.deep.equal([]);
  });
});
