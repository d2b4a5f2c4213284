import type { InboundProtocol } from '../../../contract/policy/protocol.ts';
import type { Fields, Reader } from '../../../contract/read/reader.ts';
import type {
  AuthenticationMatch,
  Authorization,
  NetworkMatch,
  ObjectLabel,
  PortPolicy,
  RangePolicy,
  WorkloadSettings,
} from '../../../contract/resources.ts';
import { compileNetwork } from '../../net/cidr.ts';
import { type ParsedRoute, parseRoute } from './route.ts';

const INBOUND_PROTOCOLS: readonly InboundProtocol[] = ['detect', 'http1', 'http2', 'grpc', 'opaque', 'tls'];

export interface ParsedPolicy extends Omit<PortPolicy, 'profile'> {
  profile: { dst: string; routes: ParsedRoute[] } | null;
}

export interface ParsedRange extends Omit<RangePolicy, 'policy'> {
  policy: ParsedPolicy;
}

export interface ParsedWorkload {
  ports: Map<number, ParsedPolicy>;
  ranges: ParsedRange[];
  defaultPolicy: ParsedPolicy;
  opaquePorts: [number, number][];
  settings: WorkloadSettings;
}

export function parseWorkload(reader: Reader, fields: Fields): ParsedWorkload {
  const ports = reader.record(fields['ports'], 'ports', (entry, at) => parsePolicy(reader, entry, at));
  return {
    ports: new Map(ports.map(([port, policy]) => [portNumber(reader, port), policy])),
    ranges: parseRanges(reader, fields['ranges']),
    defaultPolicy: parsePolicy(reader, fields['defaultPolicy'], 'defaultPolicy'),
    opaquePorts: reader.list(fields['opaquePorts'], 'opaquePorts', (range, at) => parseRange(reader, range, at)),
    settings: parseSettings(reader, fields['settings']),
  };
}

function portNumber(reader: Reader, text: string): number {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  return reader.port(port, `ports.${text.slice(0, 20)}`);
}

/** An older operator sends none: then the default policy holds for every port that is not named. */
function parseRanges(reader: Reader, value: unknown): ParsedRange[] {
  if (value === undefined) return [];
  return reader.list(value, 'ranges', (entry, at) => {
    const fields = reader.object(entry, at);
    const [first, last] = parseRange(reader, [fields['first'], fields['last']], at);
    return { first, last, policy: parsePolicy(reader, fields['policy'], `${at}.policy`) };
  });
}

function parseRange(reader: Reader, value: unknown, path: string): [number, number] {
  const [first, last] = reader.list(value, path, (port, at) => reader.port(port, at));
  if (first === undefined || last === undefined || first > last) reader.fail(path, 'two ports in order');
  return [first ?? 1, last ?? 1];
}

function parseSettings(reader: Reader, value: unknown): WorkloadSettings {
  const fields = reader.object(value, 'settings');
  return {
    detectTimeoutMs: reader.integer(fields['detectTimeoutMs'], 'settings.detectTimeoutMs', 1, 3_600_000),
    requireIdentity: reader.flag(fields['requireIdentity'], 'settings.requireIdentity'),
  };
}

function parsePolicy(reader: Reader, value: unknown, path: string): ParsedPolicy {
  const fields = reader.object(value, path);
  return {
    server: parseLabel(reader, fields['server'], `${path}.server`),
    protocol: reader.oneOf(fields['protocol'], `${path}.protocol`, INBOUND_PROTOCOLS, 'opaque'),
    authorizations: reader
      .list(fields['authorizations'], `${path}.authorizations`, (entry, at) => parseAuthorization(reader, entry, at))
      .filter((parsed) => parsed !== null),
    audit: reader.flag(fields['audit'], `${path}.audit`),
    probePaths: reader.list(fields['probePaths'], `${path}.probePaths`, (probe, at) => reader.text(probe, at)),
    grpcProbe: fields['grpcProbe'] === undefined ? false : reader.flag(fields['grpcProbe'], `${path}.grpcProbe`),
    profile: fields['profile'] === null ? null : parseProfile(reader, fields['profile'], `${path}.profile`),
  };
}

function parseProfile(reader: Reader, value: unknown, path: string): { dst: string; routes: ParsedRoute[] } {
  const fields = reader.object(value, path);
  return {
    dst: reader.text(fields['dst'], `${path}.dst`),
    routes: reader.list(fields['routes'], `${path}.routes`, (entry, at) => parseRoute(reader, entry, at)),
  };
}

function parseLabel(reader: Reader, value: unknown, path: string): ObjectLabel {
  const fields = reader.object(value, path);
  return {
    group: reader.text(fields['group'], `${path}.group`),
    kind: reader.text(fields['kind'], `${path}.kind`),
    name: reader.text(fields['name'], `${path}.name`),
  };
}

/** `null`: of an unknown type, so that it authorizes nobody. */
function parseAuthorization(reader: Reader, value: unknown, path: string): Authorization | null {
  const fields = reader.object(value, path);
  const label = parseLabel(reader, fields['label'], `${path}.label`);
  const networks = reader.list(fields['networks'], `${path}.networks`, (entry, at) => parseNetwork(reader, entry, at));
  const authentication = parseAuthentication(reader, fields['authentication'], `${path}.authentication`);
  return authentication === null ? null : { label, networks, authentication };
}

function parseNetwork(reader: Reader, value: unknown, path: string): NetworkMatch {
  const fields = reader.object(value, path);
  const network = {
    cidr: reader.text(fields['cidr'], `${path}.cidr`),
    except: reader.list(fields['except'], `${path}.except`, (cidr, at) => reader.text(cidr, at)),
  };
  if (compileNetwork(network) === null) reader.fail(path, 'CIDRs');
  return network;
}

function parseAuthentication(reader: Reader, value: unknown, path: string): AuthenticationMatch | null {
  const fields = reader.object(value, path);
  const type = fields['type'];
  if (type === 'unauthenticated' || type === 'tls') return { type };
  if (type === 'identities') {
    const identities = reader.list(fields['identities'], `${path}.identities`, (id, at) => reader.text(id, at));
    return { type, identities };
  }
  if (typeof type === 'string') reader.deny(`${path}.type`, `unknown rule type ${JSON.stringify(type.slice(0, 60))}`);
  else reader.fail(`${path}.type`, 'a string');
  return null;
}
