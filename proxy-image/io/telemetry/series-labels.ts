import { formatAddress } from '../../contract/keys.ts';
import type { ObjectLabel } from '../../contract/resources.ts';
import type { EndpointState } from '../../core/balance/endpoint.ts';
import type { InboundPeer } from '../../core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../../core/policy/policy.ts';
import type { RateLimiter, RateLimitScope } from '../../core/policy/rate-limit.ts';
import type { RouteEntry } from '../../core/route/table.ts';
import { renderLabels } from './labels.ts';
import { addressLabels } from './transports.ts';

/** Labels of one attempt at an endpoint (linkerd2-proxy: outbound endpoint labels). */
export function endpointLabels(authority: string, endpoint: EndpointState, zone: string): string {
  const { facts } = endpoint;
  const labels: [string, string][] = [['direction', 'outbound']];
  if (authority !== '') labels.push(['authority', authority]);
  labels.push(...addressLabels(endpoint.id));
  if (facts.identity === null) {
    labels.push(['tls', 'no_identity'], ['no_tls_reason', 'not_provided_by_service_discovery']);
  } else {
    labels.push(['tls', 'true'], ['server_id', facts.identity]);
  }
  for (const [name, value] of Object.entries(destinationLabels(endpoint, zone))) labels.push([`dst_${name}`, value]);
  return renderLabels(labels);
}

/** Labels of an endpoint from discovery (`dst_` before each), and where it is seen from `zone`: empty = not known. */
export function destinationLabels({ facts }: EndpointState, zone: string): Readonly<Record<string, string>> {
  if (facts.zone === '') return facts.labels;
  const locality = zone === '' ? 'unknown' : facts.zone === zone ? 'local' : 'remote';
  return { ...facts.labels, zone: facts.zone, zone_locality: locality };
}

export function routeLabels(route: RouteEntry): string {
  const labels: [string, string][] = [
    ['direction', route.direction],
    ['dst', route.dst],
  ];
  // The implicit default route has no name, hence no label (Linkerd).
  if (route.name !== '') labels.push(['rt_route', route.name]);
  return renderLabels(labels);
}

/** Labels of an inbound request or connection that was judged. Without the Host: a client could make up any number (CVE-2025-43915). */
export function inboundLabels(
  podIp: string,
  policy: PortPolicyEntry,
  peer: InboundPeer,
  decision: PolicyDecision,
): string {
  const labels: [string, string][] = [
    ['direction', 'inbound'],
    ...addressLabels(formatAddress(podIp, policy.port)),
    ...tlsLabels(peer),
    ...objectLabels('srv', decision.server),
    ['srv_port', String(policy.port)],
  ];
  if (decision.reason !== 'no_route') labels.push(...objectLabels('route', decision.route));
  if (decision.authorization !== null) labels.push(...objectLabels('authz', decision.authorization));
  return renderLabels(labels);
}

/** Of requests that a limit has refused; without the client: what it may make up must not make series. */
export function rateLimitLabels(policy: PortPolicyEntry, { limit }: RateLimiter, scope: RateLimitScope): string {
  return renderLabels([
    ['direction', 'inbound'],
    ...objectLabels('srv', policy.server),
    ['srv_port', String(policy.port)],
    ...objectLabels('ratelimit', limit.meta),
    ['scope', scope],
  ]);
}

export function objectLabels(prefix: string, object: ObjectLabel): [string, string][] {
  return [
    [`${prefix}_group`, object.group],
    [`${prefix}_kind`, object.kind],
    [`${prefix}_name`, object.name],
  ];
}

function tlsLabels(peer: InboundPeer): [string, string][] {
  if (peer.tls) return [['tls', 'true'], ...clientId(peer)];
  return [
    ['tls', 'no_identity'],
    ['no_tls_reason', whyPlain(peer)],
  ];
}

/** Of a client that has come without TLS. */
export function whyPlain({ loopback }: InboundPeer): string {
  return loopback ? 'loopback' : 'no_tls_from_remote';
}

function clientId(peer: InboundPeer): [string, string][] {
  return peer.identity === null ? [] : [['client_id', peer.identity]];
}
