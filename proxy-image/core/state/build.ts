import { formatAddress } from '../../contract/keys.ts';
import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { Reader } from '../../contract/read/reader.ts';
import { EndpointState } from '../balance/endpoint.ts';
import { UNRESOLVED } from '../series.ts';
import type { BuildContext } from './build-context.ts';
import type { DestinationEntry, PodEntry, ServiceEntry, UnknownEntry } from './entries.ts';
import type { ParsedService } from './parse/service.ts';
import { buildPolicy } from './policy.ts';

/** The entry of an answer. Reports routes that the engine refuses as denials. */
export function buildEntry(parsed: ParsedService, reader: Reader, context: BuildContext): DestinationEntry {
  const { key, version } = context;
  switch (parsed.type) {
    case 'service':
      return buildService(parsed, reader, context);
    case 'pod':
      return buildPod(parsed, context);
    case 'forbidden':
      return { kind: 'forbidden', key, version, reason: parsed.reason };
    case 'unknown':
      return buildUnknown(parsed.protocol, context);
  }
}

function buildService(
  parsed: Extract<ParsedService, { type: 'service' }>,
  reader: Reader,
  context: BuildContext,
): ServiceEntry {
  const { namespace, service, port, authority, policy } = parsed;
  return {
    kind: 'service',
    key: context.key,
    version: context.version,
    namespace,
    service,
    port,
    authority,
    protocol: policy.protocol,
    ...buildPolicy(policy, authority, reader, context),
    series: UNRESOLVED,
    generation: UNRESOLVED,
  };
}

/** The address is all that is known. What was learned about it stays, whatever its port is said to speak. */
function buildUnknown(protocol: OutboundProtocol, context: BuildContext): UnknownEntry {
  const { key, version, previous, address } = context;
  const facts = { address: address.ip, port: address.port, identity: null, proxyPort: 0, protocol, ...NOWHERE };
  const known = previous?.kind === 'unknown' ? previous.endpoint : null;
  const endpoint = known ?? new EndpointState(formatAddress(address.ip, address.port), facts);
  endpoint.renew(facts);
  return { kind: 'unknown', key, version, protocol, endpoint };
}

const NOWHERE = { node: '', zone: '', hintZones: [], labels: {} };

type ParsedPod = Extract<ParsedService, { type: 'pod' }>;

function buildPod(parsed: ParsedPod, context: BuildContext): PodEntry {
  const { key, version, previous } = context;
  const { namespace, pod, protocol } = parsed;
  const id = formatAddress(parsed.endpoint.address, parsed.endpoint.port);
  return { kind: 'pod', key, version, namespace, pod, protocol, endpoint: podEndpoint(parsed, id, previous) };
}

/** A pod's address is reused by other pods: what was learned about one is not held against the next. */
function podEndpoint(parsed: ParsedPod, id: string, previous: DestinationEntry | null): EndpointState {
  const known = previous?.kind === 'pod' && previous.pod === parsed.pod && previous.namespace === parsed.namespace;
  if (!known || previous.endpoint.id !== id) return new EndpointState(id, parsed.endpoint);
  previous.endpoint.renew(parsed.endpoint);
  return previous.endpoint;
}
