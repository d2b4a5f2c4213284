import type { ResponseClass } from '../../../proxy-image/contract/policy/response-class.ts';
import type { PortRange } from '../../../proxy-image/contract/port-ranges.ts';
import type { Route } from '../../../proxy-image/contract/resources.ts';
import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { PatternBudget } from '../../parse/pattern-budget.ts';
import { parseResource, type Source } from '../../parse/resource.ts';
import { parseWeight } from '../../parse/weight.ts';
import { parseDuration } from '../../scalars/duration.ts';
import { parsePort, parsePortRange } from '../../scalars/port.ts';
import { quote } from '../../scalars/scalar.ts';
import { parseServiceReference } from '../../scalars/service-reference.ts';
import type { Parsed } from '../../types/problem.ts';
import { SERVICE_PROFILE, type ServiceProfileModel } from './model.ts';
import { parseRetryBudget } from './retry-budget.ts';
import { parseRequestMatch, parseResponseMatch } from './route-match.ts';

type Override = ServiceProfileModel['dstOverrides'][number];

export function parseServiceProfile(raw: unknown): Parsed<ServiceProfileModel> {
  return parseResource(raw, SERVICE_PROFILE, buildProfile);
}

function buildProfile(source: Source): ServiceProfileModel {
  const { meta, spec } = source;
  spec.closed(['routes', 'retryBudget', 'dstOverrides', 'opaquePorts']);
  return {
    meta,
    target: parseTarget(source),
    routes: parseRoutes(spec),
    retryBudget: parseRetryBudget(spec),
    dstOverrides: spec.objects('dstOverrides', LIMITS.dstOverrides).map(parseOverride),
    opaquePorts: parseOpaquePorts(spec),
  };
}

function parseTarget({ meta, problems }: Source): ServiceProfileModel['target'] {
  const reference = parseServiceReference(meta.name);
  if (reference !== null && reference.domain !== '') return reference;
  problems.warning(
    'metadata.name',
    'applies to no Service: it is not of the form <service>.<namespace>.svc.<cluster domain>',
  );
  return null;
}

function parseRoutes(spec: Fields): Route[] {
  const budget = new PatternBudget();
  const seen = new Set<string>();
  return spec.objects('routes', LIMITS.routes).map((fields) => {
    const route = parseRoute(fields, budget);
    if (route.name !== '' && seen.has(route.name)) {
      fields.problems.warning(fields.at('name'), `repeats ${quote(route.name)}: metrics cannot tell the routes apart`);
    }
    seen.add(route.name);
    return route;
  });
}

function parseRoute(route: Fields, budget: PatternBudget): Route {
  route.closed(['name', 'condition', 'isRetryable', 'timeout', 'responseClasses']);
  const name = route.text('name');
  if (name === '') route.problems.error(route.at('name'), 'is required');
  if (name.length > LIMITS.routeName) {
    route.problems.error(route.at('name'), `must be at most ${LIMITS.routeName} characters long`);
  }
  const condition = route.required('condition');
  return {
    name,
    match: condition === null ? { type: 'any', of: [] } : parseRequestMatch(condition, budget),
    isRetryable: route.boolean('isRetryable') ?? false,
    timeoutMs: parseTimeout(route),
    responseClasses: route.objects('responseClasses', LIMITS.responseClasses).map(parseResponseClass),
  };
}

/** Whole milliseconds, rounded up: timers have no finer grain, and a tiny timeout must not become "none". */
function parseTimeout(route: Fields): number {
  const durationMs = route.scalar<number | null>('timeout', parseDuration, null);
  if (durationMs === null) return 0;
  if (durationMs < 0) route.problems.error(route.at('timeout'), 'must not be negative');
  if (durationMs === 0) route.problems.warning(route.at('timeout'), 'of zero means no timeout');
  return Math.max(0, Math.ceil(durationMs));
}

function parseResponseClass(responseClass: Fields): ResponseClass {
  responseClass.closed(['condition', 'isFailure']);
  const condition = responseClass.required('condition');
  return {
    match: condition === null ? { type: 'any', of: [] } : parseResponseMatch(condition),
    isFailure: responseClass.boolean('isFailure') ?? false,
  };
}

function parseOverride(override: Fields): Override {
  override.closed(['authority', 'weight']);
  if (!override.has('weight'))
    override.problems.warning(override.at('weight'), 'is absent and counts as 0: no traffic goes there');
  const authority = override.text('authority');
  const target = parseAuthority(authority);
  if (authority === '') override.problems.error(override.at('authority'), 'is required');
  else if (target === null) {
    const form = '<service>.<namespace>.svc.<cluster domain>, optionally with a port';
    override.problems.error(override.at('authority'), `must be of the form ${form}, not ${quote(authority)}`);
  }
  return { authority, ...(target ?? { service: '', namespace: '', port: 0 }), weight: parseWeight(override) };
}

function parseAuthority(authority: string): { service: string; namespace: string; port: number } | null {
  const colon = authority.indexOf(':');
  const reference = parseServiceReference(colon < 0 ? authority : authority.slice(0, colon));
  const port = colon < 0 ? 0 : parsePortText(authority.slice(colon + 1));
  if (reference === null || reference.domain === '' || port === null) return null;
  return { service: reference.service, namespace: reference.namespace, port };
}

function parsePortText(text: string): number | null {
  const port = parsePort(text);
  return port.ok ? port.value : null;
}

function parseOpaquePorts(spec: Fields): PortRange[] {
  return spec.strings('opaquePorts', LIMITS.opaquePorts).flatMap(({ text, path }) => {
    const range = spec.accept(parsePortRange(text), path, null);
    return range === null ? [] : [range];
  });
}
