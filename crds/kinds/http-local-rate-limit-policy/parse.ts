import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { type Built, parseStrictly, type Source } from '../../parse/resource.ts';
import { isDnsLabel, isDnsSubdomain } from '../../scalars/name.ts';
import { quote } from '../../scalars/scalar.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import type { Parsed } from '../../types/problem.ts';
import { HTTP_LOCAL_RATE_LIMIT_POLICY, type HttpLocalRateLimitPolicyModel } from './model.ts';

type Override = HttpLocalRateLimitPolicyModel['overrides'][number];

/** What a number that cannot be read stands for: somebody wanted a limit, and this is the lowest there is. */
const LEAST_PER_SECOND = 1;

/** One whose Server can be read and the rest not is the strictest limit there: without it there would be none. */
export function parseHttpLocalRateLimitPolicy(raw: unknown): Parsed<HttpLocalRateLimitPolicyModel> {
  return parseStrictly(raw, HTTP_LOCAL_RATE_LIMIT_POLICY, buildPolicy);
}

function buildPolicy({ meta, spec, problems }: Source): Built<HttpLocalRateLimitPolicyModel> {
  const before = problems.count;
  const server = parseTarget(spec);
  const isTargetKnown = problems.count === before;
  spec.closed(['targetRef', 'total', 'identity', 'overrides']);
  const totalPerSecond = parseLimit(spec, 'total');
  const identityPerSecond = parseLimit(spec, 'identity');
  const overrides = spec.objects('overrides', LIMITS.overrides).map((entry) => parseOverride(entry, meta.namespace));
  checkTotal(spec, totalPerSecond, identityPerSecond, overrides);
  checkClients(spec, overrides);
  const model = { meta, server, totalPerSecond, identityPerSecond, overrides };
  if (problems.count === before && totalPerSecond === 0 && identityPerSecond === 0 && overrides.length === 0) {
    problems.warning(spec.path, 'limits nothing: it has neither total nor identity nor overrides');
  }
  return { model, strictest: isTargetKnown ? { ...model, totalPerSecond: LEAST_PER_SECOND } : null };
}

function parseTarget(spec: Fields): string {
  const target = spec.required('targetRef');
  if (target === null) return '';
  const [group, kind, name] = [target.text('group'), target.text('kind'), target.text('name')];
  if (kind !== 'Server' || group.toLowerCase() !== POLICY_GROUP) {
    target.problems.error(target.path, `must be Server.policy.linkerd.io, not ${quote(`${kind}.${group}`)}`);
  }
  if (!isDnsSubdomain(name))
    target.problems.error(target.at('name'), `must be the name of a Server, not ${quote(name)}`);
  return name;
}

function parseLimit(spec: Fields, key: 'total' | 'identity'): number {
  const limit = spec.object(key);
  if (limit === null) return spec.has(key) ? LEAST_PER_SECOND : 0;
  limit.closed(['requestsPerSecond']);
  return perSecond(limit);
}

function perSecond(limit: Fields): number {
  const count = limit.integer('requestsPerSecond');
  if (count !== undefined && count > 0) return count;
  limit.problems.error(
    limit.at('requestsPerSecond'),
    `must be 1 or more${count === undefined ? '' : `, not ${count}`}`,
  );
  return LEAST_PER_SECOND;
}

function parseOverride(override: Fields, ownNamespace: string): Override {
  override.closed(['requestsPerSecond', 'clientRefs']);
  const refs = override.objects('clientRefs', LIMITS.serviceAccounts);
  if (refs.length === 0) override.problems.error(override.at('clientRefs'), 'must have at least one client');
  return { perSecond: perSecond(override), accounts: refs.map((ref) => parseClient(ref, ownNamespace)) };
}

function parseClient(ref: Fields, ownNamespace: string): Override['accounts'][number] {
  ref.closed(['group', 'kind', 'name', 'namespace']);
  const [group, kind, name, namespace] = [ref.text('group'), ref.text('kind'), ref.text('name'), ref.text('namespace')];
  if (kind !== 'ServiceAccount' || !['', 'core'].includes(group.toLowerCase())) {
    ref.problems.error(
      ref.at('kind'),
      `must be ServiceAccount, not ${quote(group === '' ? kind : `${kind}.${group}`)}`,
    );
  }
  if (!isDnsSubdomain(name))
    ref.problems.error(ref.at('name'), `must be the name of a ServiceAccount, not ${quote(name)}`);
  if (namespace !== '' && !isDnsLabel(namespace)) {
    ref.problems.error(ref.at('namespace'), `must be the name of a namespace, not ${quote(namespace)}`);
  }
  return { namespace: namespace === '' ? ownNamespace : namespace, name };
}

/** Nobody can be let more than all together (Linkerd: policy validator). */
function checkTotal(spec: Fields, total: number, identity: number, overrides: readonly Override[]): void {
  if (total === 0) return;
  if (identity > total) spec.problems.error(spec.path, `must not have an identity limit beyond the total of ${total}`);
  for (const { perSecond: count } of overrides) {
    if (count > total)
      spec.problems.error(spec.path, `must not have an override beyond the total of ${total}, as ${count} is`);
  }
}

function checkClients(spec: Fields, overrides: readonly Override[]): void {
  const seen = new Set<string>();
  for (const [at, { accounts }] of overrides.entries()) {
    for (const { namespace, name } of accounts) {
      const account = `${namespace}/${name}`;
      if (seen.has(account)) {
        spec.problems.warning(
          `${spec.path}.overrides[${at}].clientRefs`,
          `names ${account} again: the first override holds`,
        );
      }
      seen.add(account);
    }
  }
}
