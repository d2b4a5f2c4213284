import { parseAddress } from '../../../contract/keys.ts';
import type { TapAddress, TapFlow } from '../../../contract/tap/events.ts';
import { whyPlain } from '../../../io/telemetry/series-labels.ts';
import type { InboundCall } from '../../call/inbound-call.ts';
import type { OutboundCall } from '../../call/outbound-call.ts';

/** What a flow says but for its number. */
export type Flow = Omit<TapFlow, 'id'>;

/** What is particular to the calls of a side. Everything is read during an event, for the record of a call is used again. */
export interface Side<C> {
  readonly direction: 'inbound' | 'outbound';
  flow(call: C): Flow;
  /** The present address and labels of the other side, as a question may want them. */
  peer(call: C): { ip: string; labels: Readonly<Record<string, string>> };
  retries(call: C): number;
}

const NO_LABELS = {};

/** The pod's own calls. */
export const OUTBOUND: Side<OutboundCall> = {
  direction: 'outbound',
  flow(call) {
    const { client, endpoint } = call;
    const src = { ip: client.sourceIp, port: client.sourcePort, identity: '', labels: NO_LABELS };
    const tls = endpoint?.facts.identity == null ? 'not_provided_by_service_discovery' : 'true';
    return { direction: 'outbound', src, dst: endpointOf(call), tls, route: outboundRoute(call) };
  },
  peer(call) {
    const { ip, labels } = endpointOf(call);
    return { ip, labels };
  },
  retries: ({ retries }) => retries,
};

/** Where no endpoint has been found, the Service that was wanted says whose it would be. */
function endpointOf({ endpoint, entry, client }: OutboundCall): TapAddress {
  if (endpoint === null) {
    const { ip, port } = client.original;
    const labels: Record<string, string> = entry === null ? {} : { service: entry.service, namespace: entry.namespace };
    return { ip, port, identity: '', labels };
  }
  const { address, port, identity, labels } = endpoint.facts;
  return { ip: address, port, identity: identity ?? '', labels };
}

function outboundRoute({ route, entry }: OutboundCall): Record<string, string> {
  const { kind, namespace, name, section } = route.policy.origin;
  const said: Record<string, string> = {};
  if (entry !== null) said['dst'] = entry.authority;
  if (route.name !== '') said['route'] = route.name;
  if (kind !== 'default') said['kind'] = kind;
  if (kind !== 'default' && name !== '') said['name'] = name;
  if (namespace !== '') said['namespace'] = namespace;
  if (section !== '') said['section'] = section;
  return said;
}

/** Calls to the pod. */
export const INBOUND: Side<InboundCall> = {
  direction: 'inbound',
  flow(call) {
    const { peer, remotePort, authority } = call.client;
    const { ip, port } = parseAddress(authority) ?? { ip: authority, port: 0 };
    return {
      direction: 'inbound',
      src: { ip: peer.address, port: remotePort, identity: peer.identity ?? '', labels: NO_LABELS },
      dst: { ip, port, identity: '', labels: NO_LABELS },
      tls: peer.tls ? 'true' : whyPlain(peer),
      route: inboundRoute(call),
    };
  },
  peer: ({ client }) => ({ ip: client.peer.address, labels: NO_LABELS }),
  retries: () => 0,
};

function inboundRoute({ decision, route }: InboundCall): Record<string, string> {
  const said: Record<string, string> = { srv_kind: decision.server.kind, srv_name: decision.server.name };
  if (route.name !== '') said['route'] = route.name;
  if (decision.route.kind !== 'default' && decision.route.name !== '') {
    said['kind'] = decision.route.kind;
    said['name'] = decision.route.name;
  }
  if (decision.authorization !== null) {
    said['authz_kind'] = decision.authorization.kind;
    said['authz_name'] = decision.authorization.name;
  }
  if (!decision.allowed) said['denied'] = decision.reason;
  return said;
}
