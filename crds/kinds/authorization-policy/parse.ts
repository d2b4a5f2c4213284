import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import { isDnsLabel, isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import { GATEWAY_GROUP, POLICY_GROUP } from '../../types/api-groups.ts';
import type { Parsed } from '../../types/problem.ts';
import {
  AUTHORIZATION_POLICY,
  type AuthenticationRef,
  type AuthorizationPolicyModel,
  type PolicyTarget,
} from '../authorization/authorization-policy.ts';

interface Known<K extends string> {
  kind: K;
  group: string;
}

/** What a policy may be for, with the groups that have such a kind (Linkerd: policy validator). */
const TARGETS: readonly Known<PolicyTarget['kind']>[] = [
  { kind: 'Server', group: POLICY_GROUP },
  { kind: 'Namespace', group: '' },
  { kind: 'HTTPRoute', group: POLICY_GROUP },
  { kind: 'HTTPRoute', group: GATEWAY_GROUP },
  { kind: 'GRPCRoute', group: GATEWAY_GROUP },
];

const AUTHENTICATIONS: readonly Known<AuthenticationRef['kind']>[] = [
  { kind: 'MeshTLSAuthentication', group: POLICY_GROUP },
  { kind: 'NetworkAuthentication', group: POLICY_GROUP },
  { kind: 'ServiceAccount', group: '' },
];

/** One that cannot be read authorizes nobody, as if it were absent. */
export function parseAuthorizationPolicy(raw: unknown): Parsed<AuthorizationPolicyModel> {
  return parseResource(raw, AUTHORIZATION_POLICY, buildPolicy);
}

function buildPolicy({ meta, spec }: Source): AuthorizationPolicyModel | null {
  spec.closed(['targetRef', 'requiredAuthenticationRefs']);
  const target = spec.required('targetRef');
  if (!spec.has('requiredAuthenticationRefs')) {
    spec.problems.error(spec.at('requiredAuthenticationRefs'), 'is required; an empty list lets everybody in');
  }
  const refs = spec.objects('requiredAuthenticationRefs', LIMITS.authenticationRefs);
  const authentications = refs.map((ref) => parseAuthentication(ref, meta.namespace)).filter((ref) => ref !== null);
  checkCombination(spec, authentications);
  const found = target === null ? null : parseTarget(target, meta.namespace);
  return found === null ? null : { meta, target: found, authentications };
}

function parseTarget(target: Fields, namespace: string): PolicyTarget | null {
  target.closed(['group', 'kind', 'name']);
  const name = nameIn(target);
  const group = groupOf(target);
  const kind = kindIn(target, group, TARGETS);
  if (kind === 'Namespace' && name !== namespace) {
    target.problems.error(target.at('name'), `must be the policy's own namespace ${namespace}, not ${quote(name)}`);
  }
  return kind === null ? null : { group, kind, name };
}

function parseAuthentication(ref: Fields, ownNamespace: string): AuthenticationRef | null {
  ref.closed(['group', 'kind', 'name', 'namespace']);
  const name = nameIn(ref);
  const namespace = ref.text('namespace');
  if (namespace !== '' && !isDnsLabel(namespace)) {
    ref.problems.error(ref.at('namespace'), `must be the name of a namespace, not ${quote(namespace)}`);
  }
  const kind = kindIn(ref, groupOf(ref), AUTHENTICATIONS);
  return kind === null ? null : { kind, namespace: namespace === '' ? ownNamespace : namespace, name };
}

/** Of each there is one at most: a client has one identity and one address (Linkerd: policy validator). */
function checkCombination(spec: Fields, refs: readonly AuthenticationRef[]): void {
  const path = spec.at('requiredAuthenticationRefs');
  const count = (kind: AuthenticationRef['kind']) => refs.filter((ref) => ref.kind === kind).length;
  const [meshTls, accounts] = [count('MeshTLSAuthentication'), count('ServiceAccount')];
  if (count('NetworkAuthentication') > 1)
    spec.problems.error(path, 'must not have more than one NetworkAuthentication');
  if (meshTls > 1) spec.problems.error(path, 'must not have more than one MeshTLSAuthentication');
  if (accounts > 1) spec.problems.error(path, 'must not have more than one ServiceAccount');
  if (meshTls > 0 && accounts > 0) {
    spec.problems.error(path, 'must not have a MeshTLSAuthentication together with a ServiceAccount');
  }
}

/** `core` stands for the core group, whose name is empty (Linkerd). Groups are compared in lower case. */
function groupOf(ref: Fields): string {
  const group = ref.text('group').toLowerCase();
  return group === 'core' ? '' : group;
}

function kindIn<K extends string>(ref: Fields, group: string, known: readonly Known<K>[]): K | null {
  const written = ref.text('kind');
  const found = known.find((each) => each.kind === written && each.group === group);
  if (found !== undefined) return found.kind;
  const expected = known.map(inFull).join(', ');
  ref.problems.error(ref.path, `must be one of ${expected}, not ${quote(inFull({ kind: written, group }))}`);
  return null;
}

function inFull({ kind, group }: Known<string>): string {
  return group === '' ? kind : `${kind}.${group}`;
}

function nameIn(ref: Fields): string {
  const name = ref.text('name');
  if (!isDnsSubdomain(name)) ref.problems.error(ref.at('name'), `must be a name, not ${quote(name)}`);
  return name;
}
