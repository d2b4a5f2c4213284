import type { OutboundProtocol } from '../../../contract/policy/protocol.ts';
import type { RetryBudget } from '../../../contract/policy/retry.ts';
import type { Fields, Reader } from '../../../contract/read/reader.ts';
import type { Backend, Endpoint, ServiceDestination } from '../../../contract/resources.ts';
import { parseBalancer } from './balancer.ts';
import { OUTBOUND_PROTOCOLS, parseEndpoint } from './endpoints.ts';
import { type ParsedRoute, parseRoute } from './route.ts';
import { parseTraffic } from './traffic.ts';

export type ParsedService =
  | (Omit<ServiceDestination, 'routes' | 'sources'> & { routes: ParsedRoute[] })
  | { type: 'pod'; namespace: string; pod: string; protocol: OutboundProtocol; endpoint: Endpoint }
  | { type: 'unknown'; protocol: OutboundProtocol }
  | { type: 'forbidden'; reason: string };

export function parseServiceResource(reader: Reader, fields: Fields): ParsedService {
  switch (fields['type']) {
    case 'service':
      return parseService(reader, fields);
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
    protocol: reader.oneOf(fields['protocol'], 'protocol', OUTBOUND_PROTOCOLS, 'opaque'),
    routes: reader.list(fields['routes'], 'routes', (entry, at) => parseRoute(reader, entry, at)),
    retryBudget: parseBudget(reader, fields['retryBudget']),
    backends: parseBackends(reader, fields['backends']),
    balancer: parseBalancer(reader, fields['balancer']),
    localTrafficOnly: reader.flag(fields['localTrafficOnly'], 'localTrafficOnly'),
    ...parseTraffic(reader, fields),
  };
}

/** Ranges of tower's `TpsBudget`, which refuses others. */
function parseBudget(reader: Reader, value: unknown): RetryBudget {
  const fields = reader.object(value, 'retryBudget');
  return {
    ratio: reader.number(fields['ratio'], 'retryBudget.ratio', 0, 1000),
    minRetriesPerSecond: reader.integer(
      fields['minRetriesPerSecond'],
      'retryBudget.minRetriesPerSecond',
      0,
      2 ** 31 - 1,
    ),
    ttlMs: reader.integer(fields['ttlMs'], 'retryBudget.ttlMs', 1_000, 60_000),
  };
}

function parseBackends(reader: Reader, value: unknown): Backend[] {
  const backends = reader.list(value, 'backends', (entry, at) => parseBackend(reader, entry, at));
  const total = backends.reduce((sum, backend) => sum + backend.weight, 0);
  if (total < 1 || total > Number.MAX_SAFE_INTEGER) reader.fail('backends', 'weights with a sum from 1 to 2^53-1');
  return backends;
}

function parseBackend(reader: Reader, value: unknown, path: string): Backend {
  const fields = reader.object(value, path);
  return {
    authority: reader.text(fields['authority'], `${path}.authority`),
    service: reader.text(fields['service'], `${path}.service`),
    namespace: reader.text(fields['namespace'], `${path}.namespace`),
    port: reader.port(fields['port'], `${path}.port`),
    endpoints: reader.text(fields['endpoints'], `${path}.endpoints`),
    weight: reader.integer(fields['weight'], `${path}.weight`, 0, Number.MAX_SAFE_INTEGER),
    unavailable: reader.flag(fields['unavailable'], `${path}.unavailable`),
  };
}
