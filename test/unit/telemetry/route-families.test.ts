import { expect } from 'chai';
import type { RouteOutcome } from '../../../proxy-image/io/telemetry/recorder.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import { admitted, Bench, routed } from './bench.ts';

const PARENT = {
  parent_group: 'core',
  parent_kind: 'Service',
  parent_namespace: 'shop',
  parent_name: 'web',
  parent_port: '80',
  parent_section_name: '',
};
const ROUTE = { route_group: 'gateway.networking.k8s.io', route_namespace: 'shop', route_name: 'r' };

const outcome = (more: Partial<RouteOutcome>): RouteOutcome => ({
  status: 200,
  grpcStatus: -1,
  error: '',
  durationMs: 100,
  ...more,
});

describe('metrics of routes that are not of a profile', () => {
  it('count requests by what the client was told, and attempts by backend (linkerd2-proxy: policy-era families)', () => {
    const bench = new Bench();
    const entry = routed(bench, 'HTTPRoute');
    const { policy } = entry.routes.fallback;
    const canary = policy.distribution.shares[1]!;
    for (const status of [503, 200]) {
      bench.recorder.routes().outbound.attempted(entry, policy, canary);
      bench.recorder.routes().outbound.attemptEnded(entry, policy, canary, outcome({ status }));
    }
    bench.recorder.routes().outbound.attemptEnded(entry, policy, canary, outcome({ status: 0, error: 'i/o' }));
    bench.recorder.routes().outbound.ended(entry, policy, outcome({ durationMs: 700 }));
    const families = bench.scrape();
    const labels = { ...PARENT, ...ROUTE, route_kind: 'HTTPRoute' };
    const to = { ...labels, backend_name: 'canary', backend_kind: 'Service', backend_port: '80' };
    const value = (name: string, more: Record<string, string>) =>
      sampleValue(families, `outbound_http_route_${name}`, more);
    expect(value('request_statuses_total', { ...labels, http_status: '200', error: '' })).to.equal(1);
    expect(value('request_duration_seconds_bucket', { ...labels, le: '0.5' })).to.equal(0);
    expect(value('request_duration_seconds_bucket', { ...labels, le: '1' })).to.equal(1);
    expect(value('request_duration_seconds_sum', labels)).to.equal(0.7);
    expect(value('backend_requests_total', to)).to.equal(2);
    expect(value('backend_response_statuses_total', { ...to, http_status: '503' })).to.equal(1);
    expect(value('backend_response_statuses_total', { ...to, http_status: '', error: 'IO' })).to.equal(1);
    expect(value('backend_response_duration_seconds_count', to)).to.equal(3);
  });

  it('count a GRPCRoute by the status of gRPC, and its retries under its name', () => {
    const bench = new Bench();
    const entry = routed(bench, 'GRPCRoute');
    const { policy } = entry.routes.fallback;
    bench.recorder.routes().outbound.ended(entry, policy, outcome({ grpcStatus: 14 }));
    bench.recorder.serviceRetry(entry, policy, 'requests');
    const families = bench.scrape();
    const labels = { ...PARENT, ...ROUTE, route_kind: 'GRPCRoute' };
    const value = (name: string, more = {}) => sampleValue(families, name, { ...labels, ...more });
    expect(value('outbound_grpc_route_request_statuses_total', { grpc_status: 'UNAVAILABLE' })).to.equal(1);
    expect(value('outbound_grpc_route_retry_requests_total')).to.equal(1);
    expect(families.get('outbound_http_route_request_statuses_total')?.samples).to.deep.equal([]);
  });

  it('are not there where no route is: a Service pays nothing for them', () => {
    const bench = new Bench();
    const entry = routed(bench, 'ServiceProfile');
    const { policy } = entry.routes.fallback;
    expect(policy.series).to.equal(null);
    bench.recorder.serviceRetry(entry, policy, 'requests');
    expect(bench.recorder.policyRoutes).to.equal(null);
    expect(bench.scrape().has('outbound_http_route_request_statuses_total')).to.equal(false);
  });

  it('go when they are idle, and count anew when they come again', () => {
    const bench = new Bench();
    const entry = routed(bench, 'HTTPRoute');
    const { policy } = entry.routes.fallback;
    const count = () =>
      sampleValue(bench.scrape(), 'outbound_http_route_request_statuses_total', { http_status: '200' }) ?? 0;
    bench.idle(1);
    bench.recorder.routes().outbound.ended(entry, policy, outcome({}));
    bench.recorder.routes().outbound.ended(entry, policy, outcome({}));
    expect(count()).to.equal(2);
    bench.idle(11);
    bench.idle(1);
    expect(count()).to.equal(0);
    bench.recorder.routes().outbound.ended(entry, policy, outcome({}));
    expect(count()).to.equal(1);
  });

  it('measure the pieces of bodies, of requests by route and of responses by backend (linkerd2-proxy: http body data metrics)', () => {
    const bench = new Bench();
    const entry = routed(bench, 'GRPCRoute');
    const { policy } = entry.routes.fallback;
    const { outbound } = bench.recorder.routes();
    const [web, canary] = policy.distribution.shares;
    for (const size of [1, 128, 129, 1024, 1025, 10_240, 10_241]) {
      outbound.requestMeter(entry, policy)!.piece(size);
      outbound.responseMeter(entry, policy, canary!)!.piece(size);
    }
    outbound.responseMeter(entry, policy, web!);
    const families = bench.scrape();
    const labels = { ...PARENT, ...ROUTE, route_kind: 'GRPCRoute' };
    for (const [name, of] of [
      ['outbound_grpc_route_request_frame_size_bytes', labels],
      ['outbound_grpc_route_backend_response_frame_size_bytes', { ...labels, backend_name: 'canary' }],
    ] as const) {
      const value = (suffix: string, more = {}) => sampleValue(families, name + suffix, { ...of, ...more });
      const under = ['128', '1024', '10240', '+Inf'].map((le) => value('_bucket', { le }));
      expect(under, name).to.deep.equal([2, 4, 6, 7]);
      expect([value('_sum'), value('_count')], name).to.deep.equal([22_788, 7]);
    }
    const counts = families.get('outbound_grpc_route_backend_response_frame_size_bytes')!.samples;
    expect(counts.map(({ labels: { backend_name } }) => backend_name)).not.to.include('web');
  });

  it('are kept for a stream that goes on for hours, whose pieces are all that is heard of it', () => {
    const bench = new Bench();
    const entry = routed(bench, 'GRPCRoute');
    const { policy } = entry.routes.fallback;
    bench.idle(1);
    const meter = bench.recorder.routes().outbound.requestMeter(entry, policy)!;
    const count = () => sampleValue(bench.scrape(), 'outbound_grpc_route_request_frame_size_bytes_count');
    for (let minutes = 0; minutes < 30; minutes += 5) {
      meter.piece(1);
      bench.idle(5);
    }
    expect(count()).to.equal(6);
    bench.idle(11);
    expect(count()).to.equal(undefined);
  });

  it('are bounded: outcomes that an application makes up share one series', () => {
    const bench = new Bench();
    const entry = routed(bench, 'HTTPRoute');
    const { policy } = entry.routes.fallback;
    for (let status = 200; status < 600; status++)
      bench.recorder.routes().outbound.ended(entry, policy, outcome({ status }));
    const { samples } = bench.scrape().get('outbound_http_route_request_statuses_total')!;
    expect(samples).to.have.length(65);
    expect(samples.reduce((sum, { value }) => sum + value, 0)).to.equal(400);
  });
});

describe('metrics of routes that are attached to a Server', () => {
  const LABELS = {
    parent_group: 'policy.linkerd.io',
    parent_kind: 'server',
    parent_name: 'web',
    parent_port: '8080',
    route_group: 'policy.linkerd.io',
    route_kind: 'HTTPRoute',
    route_name: 'public',
  };
  const answered = (status: number, grpcStatus = -1) => ({ status, grpcStatus, startedMs: 0 });

  it('count what they let in, and what became of it (linkerd2-proxy: inbound http metrics)', () => {
    const bench = new Bench();
    const { inbound } = bench.recorder.routes();
    const [policy, rule] = admitted('HTTPRoute');
    for (let i = 0; i < 3; i++) inbound.began(policy, rule);
    bench.clock.ms = 400;
    inbound.ended(policy, rule, answered(200), 100);
    inbound.ended(policy, rule, answered(0), 0);
    const families = bench.scrape();
    const samples = (name: string) => families.get(`inbound_http_${name}`)!.samples;
    expect(samples('requests_total')).to.deep.equal([
      { name: 'inbound_http_requests_total', labels: LABELS, value: 3 },
    ]);
    expect(samples('statuses_total').map(({ labels, value }) => [labels, value])).to.deep.equal([
      [{ ...LABELS, status: '200' }, 1],
      [{ ...LABELS, status: '' }, 1],
    ]);
    const seconds = (name: string, more = {}) =>
      sampleValue(families, `inbound_http_${name}_duration_seconds${'le' in more ? '_bucket' : '_sum'}`, more);
    expect([seconds('request'), seconds('request', { le: '0.25' }), seconds('request', { le: '0.5' })]).to.deep.equal([
      0.8, 0, 2,
    ]);
    expect([
      seconds('response'),
      seconds('response', { le: '0.05' }),
      seconds('response', { le: '0.5' }),
    ]).to.deep.equal([0.3, 0, 1]);
    expect(samples('request_duration_seconds').filter(({ labels }) => 'le' in labels)).to.have.length(8);
    expect(samples('response_duration_seconds').filter(({ labels }) => 'le' in labels)).to.have.length(5);
  });

  it('measure the pieces of bodies of what they let in, in both directions', () => {
    const bench = new Bench();
    const { inbound } = bench.recorder.routes();
    const [policy, rule] = admitted('HTTPRoute');
    inbound.requestMeter(policy, rule).piece(5);
    inbound.responseMeter(policy, rule).piece(70_000);
    const families = bench.scrape();
    const value = (name: string, le: string) => sampleValue(families, `inbound_http_${name}_bucket`, { ...LABELS, le });
    expect([value('request_frame_size_bytes', '128'), value('request_frame_size_bytes', '+Inf')]).to.deep.equal([1, 1]);
    expect([value('response_frame_size_bytes', '10240'), value('response_frame_size_bytes', '+Inf')]).to.deep.equal([
      0, 1,
    ]);
  });

  it('count a GRPCRoute by the status of gRPC, UNKNOWN where there is none', () => {
    const bench = new Bench();
    const { inbound } = bench.recorder.routes();
    const [policy, rule] = admitted('GRPCRoute');
    inbound.began(policy, rule);
    for (const grpcStatus of [0, 14, -1]) inbound.ended(policy, rule, answered(200, grpcStatus), 1);
    const families = bench.scrape();
    const statuses = families.get('inbound_grpc_statuses_total')!.samples;
    expect(statuses.map(({ labels, value }) => [labels['status'], value])).to.deep.equal([
      ['0', 1],
      ['14', 1],
      ['2', 1],
    ]);
    expect(statuses[0]!.labels).to.include({ ...LABELS, route_kind: 'GRPCRoute' });
    expect(families.get('inbound_http_requests_total')!.samples).to.deep.equal([]);
  });

  it('go when they are idle, are bounded, and rules of one route share its series', () => {
    const bench = new Bench();
    const { inbound } = bench.recorder.routes();
    const statuses = () => bench.scrape().get('inbound_http_statuses_total')!.samples;
    const named = () => statuses().filter(({ labels }) => 'status' in labels);
    const [policy, rule] = admitted('HTTPRoute');
    bench.idle(1);
    for (let status = 200; status < 600; status++) inbound.ended(policy, rule, answered(status), 0);
    expect(statuses()).to.have.length(65);
    bench.idle(11);
    bench.idle(1);
    expect(named()).to.deep.equal([]);
    for (const [port, each] of [admitted('HTTPRoute'), admitted('HTTPRoute')])
      inbound.ended(port, each, answered(200), 0);
    expect(named().map(({ value }) => value)).to.deep.equal([2]);
  });
});
