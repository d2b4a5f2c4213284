import { parsePeerIp } from '../../../../lib/ip.ts';
import { OUTBOUND_PROTOCOLS } from '../../../contract/policy/protocol.ts';
import type { Reader } from '../../../contract/read/reader.ts';
import type { Endpoint } from '../../../contract/resources.ts';

export function parseEndpoint(reader: Reader, value: unknown, path: string): Endpoint {
  const fields = reader.object(value, path);
  const identity = reader.textOrNull(fields['identity'], `${path}.identity`);
  const endpoint: Endpoint = {
    address: reader.textOf(fields, path, 'address'),
    port: reader.port(fields['port'], `${path}.port`),
    identity,
    proxyPort: reader.integerOf(fields, path, 'proxyPort', identity === null ? 0 : 1, 65535),
    protocol: reader.oneOf(fields['protocol'], `${path}.protocol`, OUTBOUND_PROTOCOLS, 'opaque'),
    node: reader.textOf(fields, path, 'node'),
    zone: reader.textOf(fields, path, 'zone'),
    hintZones: reader.list(fields['hintZones'], `${path}.hintZones`, (zone, at) => reader.text(zone, at)),
    labels: Object.fromEntries(
      reader.record(fields['labels'], `${path}.labels`, (label, at) => reader.text(label, at)),
    ),
  };
  if (parsePeerIp(endpoint.address) === null) reader.fail(`${path}.address`, 'an IP address');
  // An empty identity would read as "meshed" here and as "no identity" in a comparison: refuse it.
  if (identity === '') reader.fail(`${path}.identity`, 'a name or null');
  return endpoint;
}

export function parseEndpointList(reader: Reader, value: unknown, path: string): Endpoint[] {
  return reader.list(value, path, (entry, at) => parseEndpoint(reader, entry, at));
}
