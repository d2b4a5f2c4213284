import type { Fields } from '../../parse/fields.ts';
import { parseLabelSelector } from '../../parse/label-selector.ts';
import { LIMITS } from '../../parse/limits.ts';
import { parseNetwork } from '../../parse/network.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import { parseIdentity } from '../../scalars/identity.ts';
import { isDnsLabel, isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import type { Parsed } from '../../types/problem.ts';
import { SERVER_AUTHORIZATION, type ServerAuthorizationModel } from '../authorization/server-authorization.ts';

type Client = ServerAuthorizationModel['client'];
type MeshTls = Extract<Client, { type: 'meshTls' }>;

/** A client that names neither `unauthenticated` nor `meshTLS` authorizes nobody (empty identity list), as in Linkerd; it is reported. */
export function parseServerAuthorization(raw: unknown): Parsed<ServerAuthorizationModel> {
  return parseResource(raw, SERVER_AUTHORIZATION, buildAuthorization);
}

function buildAuthorization({ meta, spec }: Source): ServerAuthorizationModel | null {
  spec.closed(['server', 'client']);
  const server = spec.required('server');
  const client = spec.required('client');
  if (server === null || client === null) return null;
  client.closed(['networks', 'unauthenticated', 'meshTLS']);
  return {
    meta,
    server: parseServerReference(server),
    networks: client.objects('networks', LIMITS.networks).map(parseNetwork),
    client: parseClient(client, meta.namespace),
  };
}

function parseServerReference(server: Fields): ServerAuthorizationModel['server'] {
  server.closed(['name', 'selector']);
  const selector = server.object('selector');
  const name = server.text('name');
  if ((name !== '') === (selector !== null)) {
    server.problems.error(server.path, 'must have exactly one of name and selector');
  }
  if (selector !== null) return { selector: parseLabelSelector(selector) };
  if (name !== '' && !isDnsSubdomain(name)) {
    server.problems.error(server.at('name'), `must be the name of a Server, not ${quote(name)}`);
  }
  return { name };
}

function parseClient(client: Fields, namespace: string): Client {
  const unauthenticated = client.boolean('unauthenticated') ?? false;
  const meshTls = client.object('meshTLS');
  if (unauthenticated && meshTls !== null) {
    client.problems.error(client.path, 'must not have meshTLS together with unauthenticated: true');
  }
  if (unauthenticated) return { type: 'unauthenticated' };
  const parsed = meshTls === null ? authorizesNobody() : parseMeshTls(meshTls, namespace);
  if (parsed.type === 'meshTls' && parsed.identities.length === 0 && parsed.serviceAccounts.length === 0) {
    client.problems.warning(
      client.path,
      'authorizes nobody: it has neither unauthenticated: true nor clients in meshTLS',
    );
  }
  return parsed;
}

function authorizesNobody(): MeshTls {
  return { type: 'meshTls', identities: [], serviceAccounts: [] };
}

function parseMeshTls(meshTls: Fields, namespace: string): Client {
  meshTls.closed(['unauthenticatedTLS', 'identities', 'serviceAccounts']);
  const identities = meshTls.strings('identities', LIMITS.identities);
  const serviceAccounts = meshTls.objects('serviceAccounts', LIMITS.serviceAccounts);
  const named = identities.length + serviceAccounts.length > 0;
  if (meshTls.boolean('unauthenticatedTLS') === true) {
    if (named) {
      meshTls.problems.error(
        meshTls.path,
        'must not have identities or serviceAccounts together with unauthenticatedTLS: true',
      );
    }
    return { type: 'tls' };
  }
  return {
    type: 'meshTls',
    identities: identities.map(({ text, path }) => meshTls.accept(parseIdentity(text), path, '')),
    serviceAccounts: serviceAccounts.map((account) => parseServiceAccount(account, namespace)),
  };
}

function parseServiceAccount(account: Fields, ownNamespace: string): MeshTls['serviceAccounts'][number] {
  account.closed(['name', 'namespace']);
  const name = account.text('name');
  const namespace = account.text('namespace');
  if (!isDnsSubdomain(name)) {
    account.problems.error(account.at('name'), `must be the name of a ServiceAccount, not ${quote(name)}`);
  }
  if (namespace !== '' && !isDnsLabel(namespace)) {
    account.problems.error(account.at('namespace'), `must be the name of a namespace, not ${quote(namespace)}`);
  }
  return { name, namespace: namespace === '' ? ownNamespace : namespace };
}
