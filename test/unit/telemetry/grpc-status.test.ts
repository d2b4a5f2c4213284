import { expect } from 'chai';
import { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { authorizeConnection, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { OUTBOUND_ERRORS } from '../../../proxy-image/io/telemetry/error-labels.ts';
import { entryOf } from '../../support/policy.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import { endpoint, portPolicy, request, route, routeTable } from '../core/fixtures.ts';
import { Bench, NO_GRPC } from './bench.ts';

const state = (address: string) => new EndpointState(`${address}:8080`, endpoint(address));
const matched = routeTable(route('list', '/list')).match(request('POST', '/list'));

describe('grpc_status', () => {
  it('is on responses and on those of routes, in both directions, and not on latencies', () => {
    const bench = new Bench();
    const { recorder } = bench;
    recorder.outboundResponse('', state('10.0.0.1'), 200, 0, false, 1);
    const policy = entryOf(portPolicy({}));
    const peer = new InboundPeer('10.0.0.9', null, false);
    recorder.inboundResponse(policy, peer, authorizeConnection(policy, peer), 200, 5, false, 1);
    recorder.routeResponse(matched, 200, 14, true, 1);
    recorder.routeActualResponse(matched, 200, 16, false);
    const families = bench.scrape();
    const count = (name: string, labels: Record<string, string>) => sampleValue(families, name, labels);
    const ok = { status_code: '200', classification: 'success' };
    expect(count('response_total', { direction: 'outbound', grpc_status: '0', ...ok })).to.equal(1);
    expect(count('response_total', { direction: 'inbound', grpc_status: '5', ...ok })).to.equal(1);
    const failed = { rt_route: 'list', grpc_status: '14', status_code: '200', classification: 'failure' };
    expect(count('route_response_total', failed)).to.equal(1);
    expect(count('route_actual_response_total', { rt_route: 'list', grpc_status: '16', ...ok })).to.equal(1);
    for (const name of ['response_latency_ms', 'route_response_latency_ms']) {
      for (const { labels } of families.get(name)!.samples) expect(labels).to.not.have.property('grpc_status');
    }
  });

  it('is absent where there is none: of other protocols, and of attempts without a response', () => {
    const bench = new Bench();
    bench.recorder.outboundResponse('', state('10.0.0.1'), 200, NO_GRPC, false, 1);
    bench.recorder.outboundFailed('', state('10.0.0.1'), 'i/o');
    const { samples } = bench.scrape().get('response_total')!;
    expect(samples).to.have.length(2);
    for (const { labels } of samples) expect(labels).to.not.have.property('grpc_status');
  });

  it('keeps apart every combination of status, class, gRPC status and error', () => {
    const bench = new Bench();
    const expected: string[] = [];
    let address = 0;
    for (const status of [200, 999]) {
      for (const failure of [false, true]) {
        const to = state(`10.0.0.${++address}`);
        for (let grpcStatus = NO_GRPC; grpcStatus <= 16; grpcStatus++) {
          bench.recorder.outboundResponse('', to, status, grpcStatus, failure, 1);
          const grpc = grpcStatus === NO_GRPC ? 'undefined' : String(grpcStatus);
          expected.push(`${address} ${status} ${failure ? 'failure' : 'success'} ${grpc} undefined`);
        }
      }
    }
    const to = state(`10.0.0.${++address}`);
    for (const error of OUTBOUND_ERRORS) {
      bench.recorder.outboundFailed('', to, error);
      expected.push(`${address} undefined failure undefined ${error}`);
    }
    const { samples } = bench.scrape().get('response_total')!;
    const texts = samples.map(({ labels, value }) => {
      expect(value).to.equal(1);
      const { target_ip, status_code, classification, grpc_status, error } = labels;
      return `${target_ip!.slice('10.0.0.'.length)} ${status_code} ${classification} ${grpc_status} ${error}`;
    });
    expect(texts.sort()).to.deep.equal(expected.sort());
  });

  it('gives one endpoint that makes up statuses no more than its part of the memory (B19)', () => {
    const bench = new Bench();
    const [evil, good] = [state('10.0.0.66'), state('10.0.0.1')];
    for (let status = 100; status < 1000; status++) {
      for (let grpcStatus = NO_GRPC; grpcStatus <= 16; grpcStatus++) {
        bench.recorder.outboundResponse('', evil, status, grpcStatus, false, 1);
      }
    }
    bench.recorder.outboundResponse('', good, 200, 0, false, 1);
    const families = bench.scrape();
    const { samples } = families.get('response_total')!;
    expect(samples).to.have.length(64 + 1 + 1);
    expect(sampleValue(families, 'response_total', { target_ip: '10.0.0.1' })).to.equal(1);
    expect(sampleValue(families, 'response_total', { weft_overflow: 'true' })).to.equal(900 * 18 - 64);
    expect(families.get('response_latency_ms')!.samples).to.have.length((64 + 1) * 28);
  });

  it('lets a series that was dropped have all of its outcomes again', () => {
    const bench = new Bench();
    const to = state('10.0.0.1');
    const fill = () => {
      for (let status = 200; status < 300; status++) bench.recorder.outboundResponse('', to, status, 0, false, 1);
      return bench
        .scrape()
        .get('response_total')!
        .samples.filter(({ labels }) => 'target_ip' in labels);
    };
    expect(fill()).to.have.length(64);
    bench.idle(1);
    bench.idle(11);
    expect(fill().map(({ value }) => value)).to.deep.equal(Array.from({ length: 64 }, () => 1));
  });
});
