import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import { parseClientIdentity } from '../../scalars/identity.ts';
import { isDnsLabel, isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import type { Parsed } from '../../types/problem.ts';
import { MESH_TLS_AUTHENTICATION, type MeshTlsAuthenticationModel } from '../authentication/mesh-tls.ts';

type Account = MeshTlsAuthenticationModel['accounts'][number];

export function parseMeshTlsAuthentication(raw: unknown): Parsed<MeshTlsAuthenticationModel> {
  return parseResource(raw, MESH_TLS_AUTHENTICATION, buildAuthentication);
}

function buildAuthentication({ meta, spec }: Source): MeshTlsAuthenticationModel {
  spec.closed(['identities', 'identityRefs']);
  if (spec.has('identities') === spec.has('identityRefs')) {
    spec.problems.error(spec.path, 'must have exactly one of identities and identityRefs');
  }
  const identities = spec.strings('identities', LIMITS.identities);
  const refs = spec.objects('identityRefs', LIMITS.serviceAccounts);
  for (const [key, list] of [
    ['identities', identities],
    ['identityRefs', refs],
  ] as const) {
    if (spec.has(key) && list.length === 0) spec.problems.error(spec.at(key), 'must have at least one item');
  }
  return {
    meta,
    identities: identities.map(({ text, path }) => spec.accept(parseClientIdentity(text), path, '')),
    accounts: refs.map((ref) => parseRef(ref, meta.namespace)),
  };
}

function parseRef(ref: Fields, ownNamespace: string): Account {
  ref.closed(['group', 'kind', 'name', 'namespace']);
  const kind = ref.text('kind');
  const group = ref.text('group');
  if (!['', 'core'].includes(group.toLowerCase())) {
    ref.problems.error(ref.path, `must be of the core group, not of ${quote(group)}`);
  }
  const namespace = namespaceIn(ref, ref.at('namespace'), ref.text('namespace'));
  switch (kind) {
    case 'ServiceAccount':
      return { namespace: namespace || ownNamespace, name: accountIn(ref) };
    case 'Namespace':
      if (ref.has('namespace')) ref.problems.error(ref.path, 'must not have a namespace: a Namespace is in none');
      return { namespace: namespaceIn(ref, ref.at('name'), ref.text('name') || ownNamespace), name: '' };
    default:
      ref.problems.error(ref.at('kind'), `must be ServiceAccount or Namespace, not ${quote(kind)}`);
      return { namespace, name: '' };
  }
}

function accountIn(ref: Fields): string {
  const name = ref.text('name');
  if (name === '') ref.problems.error(ref.path, 'must have the name of the ServiceAccount');
  else if (!isDnsSubdomain(name)) {
    ref.problems.error(ref.at('name'), `must be the name of a ServiceAccount, not ${quote(name)}`);
  }
  return name;
}

function namespaceIn(ref: Fields, path: string, name: string): string {
  if (name !== '' && !isDnsLabel(name)) ref.problems.error(path, `must be the name of a namespace, not ${quote(name)}`);
  return name;
}
