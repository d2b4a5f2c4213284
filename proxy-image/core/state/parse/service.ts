import { isOlderBody, newerService } from '../../../contract/older-operators.ts';
import { readOutboundPolicy } from '../../../contract/policy/outbound.ts';
import { OUTBOUND_PROTOCOLS, type OutboundProtocol } from '../../../contract/policy/protocol.ts';
import type { Fields, Reader } from '../../../contract/read/reader.ts';
import type { Endpoint, ServiceDestination } from '../../../contract/resources.ts';
import { parseEndpoint } from './endpoints.ts';

export type ParsedService =
  | Omit<ServiceDestination, 'sources'>
  | { type: 'pod'; namespace: string; pod: string; protocol: OutboundProtocol; endpoint: Endpoint }
  | { type: 'unknown'; protocol: OutboundProtocol }
  | { type: 'forbidden'; reason: string };

export function parseServiceResource(reader: Reader, fields: Fields): ParsedService {
  switch (fields['type']) {
    case 'service':
      return parseService(reader, isOlderBody(fields) ? newerService(fields) : fields);
    case 'pod':
      return {
        type: 'pod',
        namespace: reader.text(fields['namespace'], 'namespace'),
        pod: reader.text(fields['pod'], 'pod'),
        protocol: reader.oneOf(fields['protocol'], 'protocol', OUTBOUND_PROTOCOLS, 'opaque'),
        endpoint: parseEndpoint(reader, fields['endpoint'], 'endpoint'),
      };
    case 'forbidden':
      return { type: 'forbidden', reason: reader.text(fields['reason'], 'reason') };
    case 'unknown':
      return {
        type: 'unknown',
        protocol: reader.oneOf(fields['protocol'] ?? 'opaque', 'protocol', OUTBOUND_PROTOCOLS, 'opaque'),
      };
    default:
      reader.fail('type', 'service, pod, unknown or forbidden');
  }
  return { type: 'unknown', protocol: 'opaque' };
}

function parseService(reader: Reader, fields: Fields): ParsedService {
  return {
    type: 'service',
    namespace: reader.text(fields['namespace'], 'namespace'),
    service: reader.text(fields['service'], 'service'),
    port: reader.port(fields['port'], 'port'),
    authority: reader.text(fields['authority'], 'authority'),
    policy: readOutboundPolicy(reader, fields['policy'], 'policy'),
  };
}
