import { expect } from 'chai';
import type { RouteOutcome } from '../../../proxy-image/io/telemetry/recorder.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import { Bench, routed } from './bench.ts';

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
      bench.recorder.policyAttempted(entry, policy, canary);
      bench.recorder.policyAttemptEnded(entry, policy, canary, outcome({ status }));
    }
    bench.recorder.policyAttemptEnded(entry, policy, canary, outcome({ status: 0, error: 'i/o' }));
    bench.recorder.policyEnded(entry, policy, outcome({ durationMs: 700 }));
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
    bench.recorder.policyEnded(entry, policy, outcome({ grpcStatus: 14 }));
    bench.recorder.serviceRetry(entry, policy, 'requests');
    const families = bench.scrape();
    const labels = { ...PARENT, ...ROUTE, route_kind: 'GRPCRoute' };
    const value = (name: string, more = {}) => sampleValue(families, name, { ...labels, ...more });
    expect(value('outbound_grpc_route_request_statuses_total', { grpc_status: '14' })).to.equal(1);
    expect(value('outbound_grpc_route_retry_requests_total')).to.equal(1);
    expect(families.get('outbound_http_route_request_statuses_total')?.samples).to.deep.equal([]);
  });

  it('are not there where no route is: a Service pays nothing for them', () => {
    const bench = new Bench();
    const entry = routed(bench, 'ServiceProfile');
    const { policy } = entry.routes.fallback;
    expect(policy.series).to.equal(null);
    bench.recorder.policyEnded(entry, policy, outcome({}));
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
    bench.recorder.policyEnded(entry, policy, outcome({}));
    bench.recorder.policyEnded(entry, policy, outcome({}));
    expect(count()).to.equal(2);
    bench.idle(11);
    bench.idle(1);
    expect(count()).to.equal(0);
    bench.recorder.policyEnded(entry, policy, outcome({}));
    expect(count()).to.equal(1);
  });

  it('are bounded: outcomes that an application makes up share one series', () => {
    const bench = new Bench();
    const entry = routed(bench, 'HTTPRoute');
    const { policy } = entry.routes.fallback;
    for (let status = 200; status < 600; status++) bench.recorder.policyEnded(entry, policy, outcome({ status }));
    const { samples } = bench.scrape().get('outbound_http_route_request_statuses_total')!;
    expect(samples).to.have.length(65);
    expect(samples.reduce((sum, { value }) => sum + value, 0)).to.equal(400);
  });
});
