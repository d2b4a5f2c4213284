import { expect } from 'chai';
import { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { authorizeConnection, authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { compileProfile } from '../../../proxy-image/core/route/profile.ts';
import { targetOf } from '../../../proxy-image/stack/endpoints/endpoint-hosts.ts';
import { dialledLabels, inboundLabels, outboundLabels } from '../../../proxy-image/stack/shared/transport-labels.ts';
import { asking, entryOf } from '../../support/policy.ts';
import { sampleValue } from '../../support/prometheus-text.ts';
import { authorization, endpoint, noEngine, portPolicy, request, route, routeTable } from '../core/fixtures.ts';
import { Bench, NO_GRPC } from './bench.ts';

const AUTHORITY = 'web.shop.svc.cluster.local:80';
const SERVER_ID = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
const CLIENT_ID = 'api.shop.serviceaccount.identity.linkerd.cluster.local';

const state = (address: string, more = {}) => new EndpointState(`${address}:8080`, endpoint(address, more));
const dialled = (authority: string, to: EndpointState) =>
  dialledLabels('outbound', targetOf(to, 'http1'), to.facts.labels, authority);
const policy = entryOf(portPolicy({ authorizations: [authorization('all')] }));
const closed = entryOf(portPolicy({ authorizations: [] }));

describe('outbound requests', () => {
  it('carry the labels of Linkerd', () => {
    const bench = new Bench({ zone: 'a' });
    const meshed = state('10.0.0.1', { zone: 'a', labels: { namespace: 'shop', deployment: 'web' } });
    bench.recorder.outboundRequest(AUTHORITY, meshed);
    bench.recorder.outboundRequest('', state('10.0.0.2', { identity: null, proxyPort: 0, labels: {} }));
    const [first, second] = bench.scrape().get('request_total')!.samples;
    expect(first).to.deep.equal({
      name: 'request_total',
      labels: {
        direction: 'outbound',
        authority: AUTHORITY,
        target_addr: '10.0.0.1:8080',
        target_ip: '10.0.0.1',
        target_port: '8080',
        tls: 'true',
        server_id: SERVER_ID,
        dst_namespace: 'shop',
        dst_deployment: 'web',
        dst_zone: 'a',
        dst_zone_locality: 'local',
      },
      value: 1,
    });
    expect(second!.labels).to.deep.equal({
      direction: 'outbound',
      target_addr: '10.0.0.2:8080',
      target_ip: '10.0.0.2',
      target_port: '8080',
      tls: 'no_identity',
      no_tls_reason: 'not_provided_by_service_discovery',
    });
  });

  it('write IPv6 targets with and without brackets', () => {
    const bench = new Bench();
    bench.recorder.outboundRequest('', new EndpointState('[fd00::1]:80', endpoint('fd00::1', { port: 80 })));
    const { labels } = bench.scrape().get('request_total')!.samples[0]!;
    expect([labels['target_addr'], labels['target_ip'], labels['target_port']]).to.deep.equal([
      '[fd00::1]:80',
      'fd00::1',
      '80',
    ]);
  });

  it('count responses by status and class, latency by status alone', () => {
    const bench = new Bench();
    const to = state('10.0.0.1');
    for (const [status, failure, ms] of [
      [200, false, 0.4],
      [200, false, 7],
      [200, true, 7],
      [503, true, 60_000],
    ] as const) {
      bench.recorder.outboundResponse(AUTHORITY, to, status, NO_GRPC, failure, ms);
    }
    const families = bench.scrape();
    const count = (status_code: string, classification: string) =>
      sampleValue(families, 'response_total', { status_code, classification });
    expect([count('200', 'success'), count('200', 'failure'), count('503', 'failure')]).to.deep.equal([2, 1, 1]);
    const latency = (suffix: string, labels: Record<string, string>) =>
      sampleValue(families, `response_latency_ms_${suffix}`, labels);
    expect(latency('count', { status_code: '200' })).to.equal(3);
    expect(latency('sum', { status_code: '200' })).to.equal(14.4);
    expect(latency('bucket', { status_code: '200', le: '1' })).to.equal(1);
    expect(latency('bucket', { status_code: '200', le: '10' })).to.equal(3);
    expect(latency('bucket', { status_code: '503', le: '50000' })).to.equal(0);
    expect(latency('bucket', { status_code: '503', le: '+Inf' })).to.equal(1);
    const sample = families.get('response_latency_ms')!.samples[0]!;
    expect(sample.labels).to.not.have.property('classification');
  });

  it('count tries without a response under their error, without latency', () => {
    const bench = new Bench();
    bench.recorder.outboundFailed(AUTHORITY, state('10.0.0.1'), 'connect');
    bench.recorder.outboundError('tcp', 'i/o');
    const families = bench.scrape();
    const [sample] = families.get('response_total')!.samples;
    expect([sample!.labels['classification'], sample!.labels['error'], sample!.labels['status_code']]).to.deep.equal([
      'failure',
      'connect',
      undefined,
    ]);
    expect(families.get('response_latency_ms')!.samples).to.deep.equal([]);
    expect(sampleValue(families, 'outbound_http_errors_total', { error: 'connect' })).to.equal(1);
    expect(sampleValue(families, 'outbound_tcp_errors_total', { error: 'i/o' })).to.equal(1);
  });

  it('keep hundreds of series apart', () => {
    const bench = new Bench();
    for (let i = 0; i < 200; i++) {
      const to = state(`10.0.0.${i}`);
      bench.recorder.outboundRequest('', to);
      for (let n = 0; n <= i; n++) bench.recorder.outboundResponse('', to, 200, NO_GRPC, false, i);
    }
    const families = bench.scrape();
    for (const i of [0, 15, 16, 63, 64, 199]) {
      const of = { target_ip: `10.0.0.${i}` };
      expect(sampleValue(families, 'response_total', of)).to.equal(i + 1);
      expect(sampleValue(families, 'response_latency_ms_sum', of)).to.equal(i * (i + 1));
    }
  });

  it('go on in the same series when an endpoint is made anew with the same labels', () => {
    const bench = new Bench();
    bench.recorder.outboundRequest(AUTHORITY, state('10.0.0.1'));
    bench.recorder.outboundRequest(AUTHORITY, state('10.0.0.1'));
    expect(
      bench
        .scrape()
        .get('request_total')!
        .samples.map((sample) => sample.value),
    ).to.deep.equal([2]);
  });

  it('know zones apart and unknown', () => {
    const bench = new Bench({ zone: 'b' });
    bench.recorder.outboundRequest('', state('10.0.0.1', { zone: 'a', labels: {} }));
    const nowhere = new Bench();
    nowhere.recorder.outboundRequest('', state('10.0.0.1', { zone: 'a', labels: {} }));
    const locality = (of: Bench) => of.scrape().get('request_total')!.samples[0]!.labels['dst_zone_locality'];
    expect([locality(bench), locality(nowhere)]).to.deep.equal(['remote', 'unknown']);
  });

  it('start another series when the labels of an endpoint change', () => {
    const bench = new Bench();
    const to = state('10.0.0.1');
    bench.recorder.outboundRequest(AUTHORITY, to);
    to.renew(endpoint('10.0.0.1', { labels: { pod: 'next' } }));
    bench.recorder.outboundRequest(AUTHORITY, to);
    expect(
      bench
        .scrape()
        .get('request_total')!
        .samples.map((sample) => sample.labels['dst_pod']),
    ).to.deep.equal(['web-10-0-0-1', 'next']);
  });
});

describe('routes', () => {
  it('count requests before and after retries, and what was not retried', () => {
    const bench = new Bench();
    const { recorder } = bench;
    const matched = routeTable(route('list', '/list')).match(request('GET', '/list'));
    recorder.routeRequest(matched);
    for (const status of [500, 200]) {
      recorder.routeActualRequest(matched);
      recorder.routeActualResponse(matched, status, NO_GRPC, status === 500);
    }
    recorder.routeRetryable(matched, false);
    recorder.routeRetryable(matched, true);
    recorder.routeRetryable(matched, true);
    recorder.routeResponse(matched, 200, NO_GRPC, false, 12);
    const families = bench.scrape();
    const labels = { direction: 'outbound', dst: AUTHORITY, rt_route: 'list' };
    expect(sampleValue(families, 'route_request_total', labels)).to.equal(1);
    expect(sampleValue(families, 'route_actual_request_total', labels)).to.equal(2);
    expect(sampleValue(families, 'route_actual_response_total', { ...labels, status_code: '500' })).to.equal(1);
    expect(sampleValue(families, 'route_response_total', { ...labels, status_code: '200' })).to.equal(1);
    expect(sampleValue(families, 'route_response_latency_ms_count', labels)).to.equal(1);
    const retryable = families.get('route_retryable_total')!.samples;
    expect(retryable.map((sample) => [sample.labels['skipped'], sample.value])).to.deep.equal([
      [undefined, 1],
      ['no_budget', 2],
    ]);
  });

  it('leave the name out for the default route, and count nothing without a profile', () => {
    const bench = new Bench();
    bench.recorder.routeRequest(routeTable(route('list', '/list')).match(request('GET', '/other')));
    const { table: none } = compileProfile('', [], noEngine);
    bench.recorder.routeRequest(none.match(request('GET', '/')));
    bench.recorder.routeActualRequest(none.match(request('GET', '/')));
    const families = bench.scrape();
    expect(families.get('route_request_total')!.samples).to.deep.equal([
      { name: 'route_request_total', labels: { direction: 'outbound', dst: AUTHORITY }, value: 1 },
    ]);
    expect(families.get('route_actual_request_total')!.samples).to.deep.equal([]);
  });
});

describe('inbound requests', () => {
  const judged = (peer: InboundPeer, by = policy) => authorizeConnection(by, peer);

  it('carry client, server and authorization, and no authority', () => {
    const bench = new Bench();
    const peer = new InboundPeer('10.0.0.9', CLIENT_ID, true);
    bench.recorder.inboundAuthorized('http', policy, peer, judged(peer));
    bench.recorder.inboundRequest(policy, peer, judged(peer));
    bench.recorder.inboundResponse(policy, peer, judged(peer), 200, NO_GRPC, false, 1);
    const families = bench.scrape();
    const labels = {
      direction: 'inbound',
      target_addr: '10.1.0.1:8080',
      target_ip: '10.1.0.1',
      target_port: '8080',
      tls: 'true',
      client_id: CLIENT_ID,
      srv_group: 'policy.linkerd.io',
      srv_kind: 'server',
      srv_name: 'web-http',
      srv_port: '8080',
      route_group: '',
      route_kind: 'default',
      route_name: 'default',
      authz_group: 'policy.linkerd.io',
      authz_kind: 'serverauthorization',
      authz_name: 'all',
    };
    expect(families.get('request_total')!.samples[0]!.labels).to.deep.equal(labels);
    expect(families.get('inbound_http_authz_allow_total')!.samples).to.deep.equal([
      { name: 'inbound_http_authz_allow_total', labels, value: 1 },
    ]);
    expect(sampleValue(families, 'response_total', { direction: 'inbound', classification: 'success' })).to.equal(1);
  });

  it('tell why there is no TLS', () => {
    const bench = new Bench();
    for (const address of ['10.0.0.9', '127.0.0.1']) {
      const peer = new InboundPeer(address, null, false);
      bench.recorder.inboundRequest(policy, peer, judged(peer));
    }
    const { samples } = bench.scrape().get('request_total')!;
    expect(samples.map(({ labels }) => [labels['tls'], labels['no_tls_reason'], labels['authz_name']])).to.deep.equal([
      ['no_identity', 'no_tls_from_remote', 'all'],
      ['no_identity', 'loopback', 'localhost'],
    ]);
  });

  it('count denials without authorization label, terminations apart', () => {
    const bench = new Bench();
    const peer = new InboundPeer('10.0.0.9', null, false);
    bench.recorder.inboundAuthorized('http', closed, peer, judged(peer, closed));
    bench.recorder.inboundAuthorized('tcp', closed, peer, judged(peer, closed));
    bench.recorder.inboundTerminated(closed, peer, judged(peer, closed));
    const families = bench.scrape();
    for (const name of [
      'inbound_http_authz_deny_total',
      'inbound_tcp_authz_deny_total',
      'inbound_tcp_authz_terminate_total',
    ]) {
      const { samples } = families.get(name)!;
      expect(samples, name).to.have.length(1);
      expect(samples[0]!.labels).to.not.have.property('authz_name');
    }
    expect(families.get('inbound_http_authz_allow_total')!.samples).to.deep.equal([]);
  });

  it('label probes as a route of their own', () => {
    const bench = new Bench();
    const probed = entryOf(portPolicy({ authorizations: [], probePaths: ['/live'] }));
    const peer = new InboundPeer('10.0.0.9', null, false);
    bench.recorder.inboundAuthorized('http', probed, peer, authorizeRequest(probed, peer, asking('GET', '/live')));
    const [sample] = bench.scrape().get('inbound_http_authz_allow_total')!.samples;
    expect([sample!.labels['route_name'], sample!.labels['authz_name']]).to.deep.equal(['probe', 'probe']);
  });

  it('follow a change of policy on one connection', () => {
    const bench = new Bench();
    const peer = new InboundPeer('10.0.0.9', null, false);
    bench.recorder.inboundAuthorized('http', policy, peer, judged(peer));
    bench.recorder.inboundAuthorized('http', closed, peer, judged(peer, closed));
    bench.recorder.inboundAuthorized('http', policy, peer, judged(peer));
    const families = bench.scrape();
    expect(sampleValue(families, 'inbound_http_authz_allow_total')).to.equal(2);
    expect(sampleValue(families, 'inbound_http_authz_deny_total')).to.equal(1);
  });

  it('count failures of the proxy', () => {
    const bench = new Bench();
    const peer = new InboundPeer('10.0.0.9', null, false);
    bench.recorder.inboundFailed(policy, peer, judged(peer), 'connect');
    bench.recorder.inboundError('tcp', 'tls detection timeout');
    const families = bench.scrape();
    expect(sampleValue(families, 'response_total', { error: 'connect', direction: 'inbound' })).to.equal(1);
    expect(sampleValue(families, 'inbound_http_errors_total', { error: 'connect' })).to.equal(1);
    expect(sampleValue(families, 'inbound_tcp_errors_total', { error: 'tls detection timeout' })).to.equal(1);
  });
});

describe('transports', () => {
  it('count opens, bytes, open connections, and closes by errno', () => {
    const bench = new Bench();
    const { recorder } = bench;
    const labels = dialled(AUTHORITY, state('10.0.0.1'));
    const [a, b] = [recorder.transportOpened(labels), recorder.transportOpened(labels)];
    recorder.transportRead(a, 10);
    recorder.transportWritten(b, 2 ** 40);
    recorder.transportClosed(a, 'ECONNRESET');
    const families = bench.scrape();
    const of = { direction: 'outbound', peer: 'dst', server_id: SERVER_ID, authority: AUTHORITY };
    expect(sampleValue(families, 'tcp_open_total', of)).to.equal(2);
    expect(sampleValue(families, 'tcp_open_connections', of)).to.equal(1);
    expect(sampleValue(families, 'tcp_read_bytes_total', of)).to.equal(10);
    expect(sampleValue(families, 'tcp_write_bytes_total', of)).to.equal(2 ** 40);
    expect(sampleValue(families, 'tcp_close_total', { ...of, errno: 'ECONNRESET' })).to.equal(1);
  });

  it('say why there is no TLS, on both sides', () => {
    const bench = new Bench();
    const { recorder } = bench;
    recorder.transportOpened(dialled('', state('10.0.0.2', { identity: null, proxyPort: 0, labels: {} })));
    for (const address of ['10.0.0.9', '127.0.0.1']) {
      recorder.transportOpened(inboundLabels('10.1.0.1:8080', new InboundPeer(address, null, false)));
    }
    const { samples } = bench.scrape().get('tcp_open_total')!;
    expect(samples.map(({ labels }) => [labels['direction'], labels['no_tls_reason']])).to.deep.equal([
      ['outbound', 'not_provided_by_service_discovery'],
      ['inbound', 'no_tls_from_remote'],
      ['inbound', 'loopback'],
    ]);
  });

  it('name the client of an accepted connection, and keep unknown errnos in one series', () => {
    const bench = new Bench();
    const { recorder } = bench;
    const peer = new InboundPeer('10.0.0.9', CLIENT_ID, true);
    const handle = recorder.transportOpened(inboundLabels('10.1.0.1:8080', peer));
    const app = recorder.transportOpened(outboundLabels('1.1.1.1:443'));
    recorder.transportClosed(handle, 'weird\nerror');
    recorder.transportClosed(app, '');
    const closes = bench.scrape().get('tcp_close_total')!.samples;
    expect(closes.map(({ labels }) => [labels['peer'], labels['client_id'], labels['errno']])).to.deep.equal([
      ['src', CLIENT_ID, 'OTHER'],
      ['src', undefined, ''],
    ]);
  });
});

describe('bounds (B19)', () => {
  it('put what finds no room into one overflow series', () => {
    const bench = new Bench({ maxSeries: 3 });
    for (let i = 0; i < 50; i++) {
      const peer = new InboundPeer('10.0.0.9', `made-up-${i}`, true);
      const decision = authorizeConnection(policy, peer);
      bench.recorder.inboundRequest(policy, peer, decision);
      bench.recorder.inboundResponse(policy, peer, decision, 200, NO_GRPC, false, 1);
    }
    const families = bench.scrape();
    expect(families.get('request_total')!.samples).to.have.length(4);
    expect(sampleValue(families, 'request_total', { weft_overflow: 'true' })).to.equal(47);
    const total = families.get('response_total')!.samples.reduce((sum, sample) => sum + sample.value, 0);
    expect(total).to.equal(50);
  });

  it('bound the statuses that an upstream can make up', () => {
    const bench = new Bench({ maxSeries: 2 });
    const to = state('10.0.0.1');
    for (let status = 200; status < 600; status++) bench.recorder.outboundResponse('', to, status, NO_GRPC, false, 1);
    const families = bench.scrape();
    const { samples } = families.get('response_total')!;
    expect(samples.length).to.be.at.most(2 * 4 + 1);
    expect(samples.reduce((sum, sample) => sum + sample.value, 0)).to.equal(400);
    expect(families.get('response_latency_ms')!.samples.length).to.be.at.most((2 * 4 + 1) * 28);
  });

  it('drop series unused for ten minutes, and count on from zero when they come back', () => {
    const bench = new Bench();
    const [a, b] = [state('10.0.0.1'), state('10.0.0.2')];
    bench.recorder.outboundRequest('', a);
    bench.recorder.outboundResponse('', a, 200, NO_GRPC, false, 5);
    bench.idle(5);
    bench.recorder.outboundRequest('', b);
    bench.idle(6);
    const families = bench.scrape();
    expect(families.get('request_total')!.samples.map(({ labels }) => labels['target_ip'])).to.deep.equal(['10.0.0.2']);
    expect(families.get('response_total')!.samples).to.deep.equal([]);
    expect(families.get('response_latency_ms')!.samples).to.deep.equal([]);
    bench.recorder.outboundRequest('', a);
    bench.recorder.outboundResponse('', a, 200, NO_GRPC, false, 5);
    const again = bench.scrape();
    expect(sampleValue(again, 'request_total', { target_ip: '10.0.0.1' })).to.equal(1);
    expect(sampleValue(again, 'response_latency_ms_count', { target_ip: '10.0.0.1' })).to.equal(1);
  });

  it('never let a reused index carry the counts of another series', () => {
    const bench = new Bench({ maxSeries: 1 });
    const [a, b] = [state('10.0.0.1'), state('10.0.0.2')];
    for (let i = 0; i < 5; i++) bench.recorder.outboundResponse('', a, 500, NO_GRPC, true, 5);
    bench.recorder.outboundRequest('', b);
    expect(sampleValue(bench.scrape(), 'request_total', { weft_overflow: 'true' })).to.equal(1);
    bench.idle(11);
    bench.recorder.outboundRequest('', b);
    bench.recorder.outboundResponse('', b, 200, NO_GRPC, false, 1);
    const families = bench.scrape();
    expect(sampleValue(families, 'request_total', { target_ip: '10.0.0.2' })).to.equal(1);
    expect(families.get('response_total')!.samples.map((sample) => sample.value)).to.deep.equal([1]);
    // The endpoint whose series was dropped does not write into its successor.
    bench.recorder.outboundResponse('', a, 500, NO_GRPC, true, 5);
    expect(sampleValue(bench.scrape(), 'response_total', { target_ip: '10.0.0.2' })).to.equal(1);
  });

  it('keep the series of open connections however long they are silent', () => {
    const bench = new Bench();
    const labels = outboundLabels('10.0.0.1:80');
    const handle = bench.recorder.transportOpened(labels);
    bench.idle(60);
    bench.recorder.transportRead(handle, 7);
    expect(sampleValue(bench.scrape(), 'tcp_read_bytes_total')).to.equal(7);
    bench.recorder.transportClosed(handle, '');
    bench.idle(5);
    expect(bench.scrape().get('tcp_open_total')!.samples).to.have.length(1);
    bench.idle(6);
    expect(bench.scrape().get('tcp_open_total')!.samples).to.deep.equal([]);
  });
});
