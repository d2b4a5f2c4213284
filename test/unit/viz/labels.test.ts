import { expect } from 'chai';
import { type SeriesLabels, TRAFFIC_LABELS, type TrafficLabel } from '../../../proxy-image/contract/traffic/labels.ts';
import { EndpointState } from '../../../proxy-image/core/balance/endpoint.ts';
import { authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { OVERFLOW_LABELS } from '../../../proxy-image/io/telemetry/overflow-labels.ts';
import type { EndedCall } from '../../../proxy-image/io/telemetry/recorder.ts';
import { destinationLabels } from '../../../proxy-image/io/telemetry/series-labels.ts';
import {
  acceptedLabels,
  attemptLabels,
  dialledLabels as dialledSeries,
  judgedLabels,
  overflowLabels,
  requestLabels,
} from '../../../proxy-image/io/telemetry/traffic/series-labels.ts';
import { targetOf } from '../../../proxy-image/stack/endpoints/endpoint-hosts.ts';
import { dialledLabels, inboundLabels } from '../../../proxy-image/stack/shared/transport-labels.ts';
import { asking, entryOf } from '../../support/policy.ts';
import type { Sample } from '../../support/prometheus-text.ts';
import { authorization, endpoint, portPolicy } from '../core/fixtures.ts';
import { admitted, Bench, NO_GRPC, routed } from '../telemetry/bench.ts';

/** What metrics and live numbers both say, under two names. A parent is the Service that is called; inbound it is the Server. */
const SAME: Readonly<Record<string, TrafficLabel>> = {
  direction: 'direction',
  tls: 'tls',
  no_tls_reason: 'noTlsReason',
  client_id: 'peerIdentity',
  server_id: 'peerIdentity',
  authority: 'authority',
  dst_namespace: 'peerNamespace',
  dst_deployment: 'peerName',
  dst_pod: 'peerPod',
  dst_service: 'serviceName',
  route_kind: 'routeKind',
  route_namespace: 'routeNamespace',
  route_name: 'routeName',
  backend_namespace: 'backendNamespace',
  backend_name: 'backendName',
  backend_port: 'backendPort',
  srv_kind: 'serverKind',
  srv_name: 'serverName',
  srv_port: 'serverPort',
  authz_kind: 'authorizationKind',
  authz_name: 'authorizationName',
};
const PARENT: Readonly<Record<'outbound' | 'inbound', Readonly<Record<string, TrafficLabel>>>> = {
  outbound: { parent_namespace: 'serviceNamespace', parent_name: 'serviceName', parent_port: 'servicePort' },
  inbound: { parent_kind: 'serverKind', parent_name: 'serverName', parent_port: 'serverPort' },
};

/** What live numbers leave to metrics, and why. */
const ONLY_METRICS: Readonly<Record<string, string>> = {
  target_addr: 'a pod is enough, and a port of it is that of its Server',
  target_ip: 'the same',
  target_port: 'the same',
  peer: 'of both connections for one of the pod that to the other side is reported',
  errno: 'nobody is shown why connections have ended',
  classification: 'a counter of each series',
  status_code: 'told apart as success and failure',
  grpc_status: 'the same',
  http_status: 'the same',
  status: 'the same',
  error: 'a counter of each series, for what people do about it',
  le: 'buckets are counters of each series',
  srv_group: 'one group has the kind',
  route_group: 'people name routes by kind and name',
  authz_group: 'one group has the kind',
  parent_group: 'always core',
  parent_kind: 'outbound, always Service',
  parent_section_name: 'always empty',
  backend_group: 'always core',
  backend_kind: 'always Service',
  backend_section_name: 'always empty',
  dst_serviceaccount: 'in the identity',
  dst_zone: 'nobody is shown zones',
  dst_zone_locality: 'the same',
};

/** What live numbers say beside, and where it is in metrics. */
const ONLY_LIVE: Partial<Readonly<Record<TrafficLabel, string>>> = {
  counted: 'the name of the family',
  peerKind: 'in the name of the label: dst_deployment',
  overflow: 'weft_overflow, alone',
};

const IDENTITY = 'api.shop.serviceaccount.identity.linkerd.cluster.local';
const TARGET = '10.1.0.1:8080';
const ZONE = 'a';
const outcome = { status: 200, grpcStatus: NO_GRPC, error: '', durationMs: 1 } as const;

/** One request, one attempt and one connection of each kind, by clients with TLS and without. */
function busy(): { bench: Bench; call: EndedCall } {
  const bench = new Bench({ zone: ZONE });
  const { recorder } = bench;
  const [open, rule] = admitted('HTTPRoute');
  const server = open.server;
  const closed = entryOf(portPolicy({ server, authorizations: [] }));
  const default_ = entryOf(portPolicy({ server, authorizations: [authorization('everyone')] }));
  for (const peer of [new InboundPeer('10.1.1.1', IDENTITY, true), new InboundPeer('10.1.1.2', null, false)]) {
    for (const policy of [open, closed, default_]) {
      const decision = authorizeRequest(policy, peer, asking('GET', '/'));
      for (const protocol of ['http', 'tcp'] as const) recorder.inboundAuthorized(protocol, policy, peer, decision);
      if (!decision.allowed) continue;
      recorder.inboundRequest(policy, peer, decision);
      recorder.inboundResponse(policy, peer, decision, 200, 0, false, 1);
      recorder.inboundFailed(policy, peer, decision, 'i/o');
    }
    recorder.transportOpened(inboundLabels(TARGET, peer));
    recorder.transportClosed(recorder.transportOpened(inboundLabels(TARGET, peer)), '');
  }
  const routes = recorder.routes();
  routes.inbound.began(open, rule);
  routes.inbound.ended(open, rule, { status: 200, grpcStatus: NO_GRPC, startedMs: 0 }, 1);

  const entry = routed(bench, 'HTTPRoute');
  const route = entry.routes.fallback;
  const share = route.policy.distribution.shares[0]!;
  const labels = { namespace: 'shop', service: 'web', pod: 'web-1', deployment: 'web', serviceaccount: 'web' };
  const endpoints = [IDENTITY, null].map(
    (identity, at) => new EndpointState(`10.0.0.${at}:80`, endpoint(`10.0.0.${at}`, { labels, identity, zone: ZONE })),
  );
  routes.outbound.ended(entry, route.policy, outcome);
  for (const to of endpoints) {
    recorder.outboundRequest(entry.authority, to);
    recorder.outboundResponse(entry.authority, to, 200, NO_GRPC, false, 1);
    routes.outbound.attempted(entry, route.policy, share);
    routes.outbound.attemptEnded(entry, route.policy, share, outcome);
    recorder.transportOpened(
      dialledLabels('outbound', targetOf(to, 'http1'), destinationLabels(to, ZONE), entry.authority),
    );
  }
  const backend = share.backend;
  return { bench, call: { entry, route, backend, endpoint: endpoints[0]!, error: null, retries: 0 } };
}

/** A family, which of its samples, and what a report says of one of them. */
type Pair = [family: string, of: Record<string, string>, live: (labels: ReadonlyMap<string, string>) => SeriesLabels];

describe('labels of metrics and labels of live numbers', () => {
  const { bench, call } = busy();
  const families = bench.scrape();
  const inbound = { direction: 'inbound' };
  const outbound = { direction: 'outbound', tls: 'true' };
  const server = { group: '', kind: 'server', name: 'web' };
  const requests = (labels: ReadonlyMap<string, string>) => judgedLabels('requests', labels);
  const PAIRS: readonly Pair[] = [
    ['request_total', inbound, requests],
    ['inbound_http_authz_allow_total', inbound, requests],
    ['inbound_http_authz_deny_total', inbound, requests],
    ['inbound_tcp_authz_deny_total', inbound, (labels) => judgedLabels('connections', labels)],
    ['tcp_open_total', { ...inbound, peer: 'src' }, (labels) => acceptedLabels(labels, server)],
    ['request_total', outbound, () => attemptLabels(call, true)],
    ['outbound_http_route_backend_requests_total', {}, () => attemptLabels(call, true)],
    ['outbound_http_route_request_statuses_total', {}, () => requestLabels(call, true)],
    ['tcp_open_total', { ...outbound, peer: 'dst' }, dialledSeries],
  ];

  const samplesOf = (family: string, of: Record<string, string>): Sample[] =>
    families
      .get(family)!
      .samples.filter(({ labels }) => Object.entries(of).every(([name, value]) => labels[name] === value));

  const liveName = (family: string, label: string): TrafficLabel | undefined =>
    PARENT[family.startsWith('inbound') ? 'inbound' : 'outbound'][label] ?? SAME[label];

  /** Of requests and connections; others are about parts of the proxy. */
  const TRAFFIC = /^(?:request|response|tcp)_|^(?:inbound|outbound)_(?:http|tcp)_(?!balancer|errors|detect|local)/;

  it('each label of requests and connections in /metrics is a dimension of live numbers, or left out of them on purpose', () => {
    const seen = new Set<string>();
    for (const [family, { samples }] of families) {
      if (!TRAFFIC.test(family)) continue;
      for (const { labels } of samples) {
        for (const label of Object.keys(labels)) {
          const isKnown = liveName(family, label) !== undefined || ONLY_METRICS[label] !== undefined;
          expect(isKnown, `${label} of ${family} is in neither list`).to.equal(true);
          seen.add(label);
        }
      }
    }
    const listed = [SAME, PARENT.inbound, PARENT.outbound, ONLY_METRICS].flatMap((rows) => Object.keys(rows));
    expect([...new Set(listed)].toSorted(), 'no row is left over').to.deep.equal([...seen].toSorted());
  });

  it('each dimension of live numbers is a label in /metrics, or is there on purpose without one', () => {
    const rows = [SAME, PARENT.inbound, PARENT.outbound].flatMap((same) => Object.values(same));
    const listed = new Set([...rows, ...Object.keys(ONLY_LIVE)]);
    expect([...listed].toSorted()).to.deep.equal([...TRAFFIC_LABELS].toSorted());
    expect(overflowLabels('inbound', 'requests').overflow).to.equal('true');
    expect(OVERFLOW_LABELS).to.equal('weft_overflow="true"');
  });

  it('both say the same of the same thing, and what one says of it the other does', () => {
    const reported = new Set<string>(['overflow']);
    for (const [family, of, live] of PAIRS) {
      const samples = samplesOf(family, of);
      expect(samples.length, family).to.be.greaterThan(0);
      for (const { labels } of samples) {
        const series = live(new Map(Object.entries(labels)));
        for (const [label, text] of Object.entries(labels)) {
          const name = liveName(family, label);
          if (name === undefined || text === '') continue;
          expect(series[name], `${label} of ${family} as ${name}`).to.equal(text);
        }
        for (const name of Object.keys(series)) reported.add(name);
      }
    }
    expect([...reported].toSorted(), 'every dimension was compared').to.deep.equal([...TRAFFIC_LABELS].toSorted());
  });
});
