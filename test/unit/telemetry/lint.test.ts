import { expect } from 'chai';
import { authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { ControlCalls } from '../../../proxy-image/io/telemetry/control-calls.ts';
import { asking } from '../../support/policy.ts';
import { lintFamilies } from '../../support/prometheus-lint.ts';
import { parsePrometheusText } from '../../support/prometheus-text.ts';
import { admitted, Bench, routed } from './bench.ts';

/** What a label value must not be able to do: end the value, the line, or a terminal's mode. */
const HOSTILE = 'a"} 1\n# TYPE fake counter\nfake{x="\\\u001b[2J\u0000\u2028😀';

/** A recorder that has counted something of every family, with hostile text wherever it comes from outside. */
function busy(maxSeries = 100): Bench {
  const bench = new Bench({ maxSeries });
  const { recorder } = bench;
  bench.clock.ms = 10;
  const outcome = { status: 200, grpcStatus: 14, error: '', durationMs: 30 } as const;
  for (const kind of ['HTTPRoute', 'GRPCRoute']) {
    const entry = routed(bench, kind);
    const { policy } = entry.routes.fallback;
    const share = policy.distribution.shares[0]!;
    const { outbound, inbound } = recorder.routes();
    outbound.attempted(entry, policy, share);
    outbound.attemptEnded(entry, policy, share, outcome);
    outbound.ended(entry, policy, outcome);
    outbound.requestMeter(entry, policy)?.piece(100);
    outbound.responseMeter(entry, policy, share)?.piece(100_000);
    recorder.serviceRetry(entry, policy, 'requests');
    recorder.breakerDecided(entry, entry.backends[0]!, 'ejected');
    const [port, rule] = admitted(kind);
    inbound.began(port, rule);
    inbound.ended(port, rule, { status: 200, grpcStatus: 0, startedMs: 0 }, 1);
    inbound.requestMeter(port, rule).piece(1);
    inbound.responseMeter(port, rule).piece(2_000);
  }
  for (let made = 0; made < 20; made++) client(bench, `${HOSTILE}${made}`);
  const peer = { host: HOSTILE, port: 8080, identity: HOSTILE };
  recorder.control = [new ControlCalls('identity', peer), new ControlCalls('configuration', { ...peer, port: 8086 })];
  for (const calls of recorder.control) calls.answered(12);
  recorder.inboundRefused('handshake_failed');
  recorder.requestRefused('inbound', HOSTILE);
  return bench;
}

/** Everything that one client of the mesh makes up. */
function client({ recorder }: Bench, identity: string): void {
  const [policy] = admitted('HTTPRoute');
  const peer = new InboundPeer('10.1.1.1', identity, true);
  const decision = authorizeRequest(policy, peer, asking('GET', '/'));
  recorder.inboundAuthorized('http', policy, peer, decision);
  recorder.inboundRequest(policy, peer, decision);
  recorder.inboundResponse(policy, peer, decision, 200, 0, false, 7);
  recorder.connections().headerRead('http2', 80, identity);
  recorder.connections().inboundDetected(policy, 'lost', 10);
  const handle = recorder.transportOpened({
    ...{ direction: 'inbound', peer: 'src', targetAddr: '10.1.0.1:80', tls: 'true', noTlsReason: '' },
    ...{ identity, dst: { [HOSTILE]: HOSTILE }, authority: HOSTILE },
  });
  recorder.transportRead(handle, 100);
  recorder.transportClosed(handle, HOSTILE);
}

describe('the exposition as a whole', () => {
  it('has nothing that promtool would object to, in any family, whatever is in the labels', () => {
    const families = busy().scrape();
    expect(lintFamilies(families)).to.deep.equal([]);
    expect([...families.keys()]).not.to.include('fake');
    const withSamples = [...families.values()].filter(({ samples }) => samples.length > 0);
    expect(withSamples.length).to.be.greaterThan(60);
  });

  it('gives hostile text back as it was, as far as a value may be long: nothing is lost, nothing escapes', () => {
    const { samples } = busy().scrape().get('inbound_tcp_transport_header_connections_total')!;
    expect(samples.map(({ labels }) => labels['client_id'])).to.include(`${HOSTILE}7`);
  });

  it('stays as small as its bounds, whatever clients make up', () => {
    const bench = busy(50);
    const size = () => [...bench.scrape().values()].reduce((sum, { samples }) => sum + samples.length, 0);
    for (let made = 0; made < 300; made++) client(bench, `made-up-${made}`);
    const full = size();
    for (let made = 300; made < 3_000; made++) client(bench, `made-up-${made}`);
    expect(size()).to.equal(full);
  });

  it('the lint finds what it is for', () => {
    const text = [
      '# HELP bad_ms Milliseconds of things\n# TYPE bad_ms histogram',
      'bad_ms_bucket{le="2"} 3\nbad_ms_bucket{le="1"} 2\nbad_ms_count 4\n',
    ].join('\n');
    expect(lintFamilies(parsePrometheusText(text)).map((problem) => problem.split(':')[1]!.trim())).to.deep.equal([
      'not in a base unit',
      'bounds that do not ascend',
      'buckets that are not cumulative',
      'no bucket for everything',
      'a count that is not that of the last bucket',
      'no sum',
    ]);
  });
});
