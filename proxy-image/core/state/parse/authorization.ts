import type { Reader } from '../../../contract/read/reader.ts';
import type { AuthenticationMatch, Authorization, NetworkMatch, ObjectLabel } from '../../../contract/resources.ts';
import { compileNetwork } from '../../net/cidr.ts';

export function parseLabel(reader: Reader, value: unknown, path: string): ObjectLabel {
  const fields = reader.object(value, path);
  return {
    group: reader.textOf(fields, path, 'group'),
    kind: reader.textOf(fields, path, 'kind'),
    name: reader.textOf(fields, path, 'name'),
  };
}

export function parseAuthorizations(reader: Reader, value: unknown, path: string): Authorization[] {
  return reader
    .list(value, path, (entry, at) => parseAuthorization(reader, entry, at))
    .filter((parsed) => parsed !== null);
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
    cidr: reader.textOf(fields, path, 'cidr'),
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
