import { listed } from '../../../crds/kinds/assessment.ts';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { podsOf } from '../../../crds/kinds/pod/queries.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ROUTE_PROGRAMMED } from '../../../crds/kinds/row.ts';
import { SERVER, type ServerModel } from '../../../crds/kinds/server/model.ts';
import { child, listOf, numberOf } from '../../../crds/parse/metadata.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import type { Category, Check, Finding } from '../facts/check.ts';
import { type Condition, conditionsIn, conditionsOf } from '../facts/conditions.ts';
import type { Facts, ParsedObject } from '../facts/facts.ts';
import { about, flag } from '../facts/name.ts';

/** What is judged by what else there is needs all of it: an object that could not be read would seem not to exist. */
const ALL = KINDS.map(({ id }) => id);

/** Something that an object's assessment has found, by the reason that its condition has. */
interface Judged {
  object: ParsedObject;
  reason: string;
  message: string;
}

/** Codes of reasons that conditions have, one row each; what is not here is `object-without-effect`. */
const REASONS: Readonly<Record<string, string>> = {
  Invalid: 'object-invalid',
  UnsupportedValue: 'route-invalid',
  PartiallyInvalid: 'route-partly-invalid',
  Conflicted: 'object-overruled',
  RouteReasonConflicted: 'object-overruled',
  RateLimitReasonAlreadyExists: 'object-overruled',
  ServerNotFound: 'authorization-without-server',
  RouteNotFound: 'authorization-without-route',
  RouteNotAttached: 'authorization-without-route',
  AuthenticationNotFound: 'authentication-missing',
  NoMatchingTarget: 'rate-limit-without-server',
  NoMatchingParent: 'route-parent-missing',
  ServiceNotFound: 'service-missing',
  BackendNotFound: 'backend-missing',
  BackendPortNotFound: 'backend-missing',
  BackendWithoutEndpoints: 'backend-without-endpoints',
  FilterNotFound: 'route-filter-missing',
  InvalidKind: 'route-filter-missing',
  PortNotFound: 'server-port-missing',
  ProxyPort: 'server-port-bypassed',
  SkippedPort: 'server-port-bypassed',
};
const OTHERWISE = 'object-without-effect';

const ASSESSED: readonly Check[] = [
  assessed('object-invalid', 'error', 'custom resources are valid'),
  assessed('object-without-effect', 'warning', 'custom resources take effect'),
  assessed('object-overruled', 'warning', 'no custom resource is overruled by another'),
  assessed('authorization-without-server', 'warning', 'authorizations are for Servers that exist'),
  assessed('authorization-without-route', 'warning', 'authorizations are for routes that exist'),
  assessed('authentication-missing', 'warning', 'authentications that policies require exist'),
  assessed('rate-limit-without-server', 'warning', 'rate limits are for Servers that exist'),
  assessed('route-parent-missing', 'warning', 'routes have parents that exist'),
  assessed('route-invalid', 'error', 'rules of routes can be carried out'),
  assessed('route-partly-invalid', 'warning', 'all rules of routes can be carried out'),
  assessed('route-filter-missing', 'error', 'filters and kinds of backends that routes name exist'),
  assessed('service-missing', 'warning', 'Services that profiles and splits are for exist'),
  assessed('backend-missing', 'error', 'backends of routes, splits and profiles exist'),
  assessed('backend-without-endpoints', 'warning', 'backends that get traffic have endpoints'),
  assessed('server-port-missing', 'warning', 'ports that Servers name are there'),
  assessed('server-port-bypassed', 'warning', 'ports of Servers are judged by a proxy'),
];

export const POLICY: Category = {
  name: 'weft-policy',
  isOfWorkloads: true,
  checks: [
    ...ASSESSED,
    {
      code: 'server-selects-nothing',
      description: 'Servers select pods',
      severity: 'warning',
      needs: ALL,
      run: idleServers,
    },
    {
      code: 'object-doubtful',
      description: 'custom resources mean what they say',
      severity: 'warning',
      needs: ALL,
      run: doubtful,
    },
    {
      code: 'status-not-written',
      description: 'operator has looked at every custom resource',
      severity: 'warning',
      needs: ALL,
      run: unobserved,
    },
    {
      code: 'configuration-refused',
      description: 'no proxy refuses its configuration',
      severity: 'error',
      needs: ALL,
      run: (facts) => ofProgrammed(facts, 'Rejected'),
    },
    {
      code: 'configuration-behind',
      description: 'proxies have the present configuration',
      severity: 'warning',
      needs: ALL,
      run: (facts) => ofProgrammed(facts, 'NotAcknowledged'),
    },
  ],
};

/** Of users, whose status the operator writes; the Mesh has a heading of its own. */
function custom(facts: Facts): ParsedObject[] {
  return facts.parsed.filter(({ row }) => row.status.form !== 'none' && row.id !== MESH.id);
}

function assessed(code: string, severity: Check['severity'], description: string): Check {
  return {
    code,
    severity,
    description,
    needs: ALL,
    run: (facts) =>
      facts
        .once(judgements)
        .filter(({ reason }) => (REASONS[reason] ?? OTHERWISE) === code)
        .map(({ object, message }) => finding(object, message)),
  };
}

function finding({ row, raw, meta }: ParsedObject, reason: string): Finding {
  const name = `${row.plural}${row.group === '' ? '' : `.${row.group}`}`;
  return about(row.kind, raw, reason, `kubectl ${flag(meta.namespace)}edit ${name} ${meta.name}`);
}

function judgements(facts: Facts): Judged[] {
  return custom(facts).flatMap((object) => judgedBy(facts, object));
}

/** As the operator would assess it now, whether or not one is running. */
function judgedBy(facts: Facts, object: ParsedObject): Judged[] {
  const { row, parsed } = object;
  if (parsed.model === null) {
    const problems = parsed.problems.filter(({ severity }) => severity === 'error');
    return [{ object, reason: 'Invalid', message: listed(problems.map(({ path, message }) => `${path} ${message}`)) }];
  }
  const { status } = row;
  if (status.form === 'conditions') {
    const { verdict, accepted, resolvedRefs } = status.assess(facts.view, parsed.model);
    switch (verdict.outcome) {
      case 'ready':
        return [];
      case 'waiting':
        return [{ object, reason: accepted.ok ? resolvedRefs.reason : accepted.reason, message: verdict.message }];
      default:
        return [{ object, reason: accepted.reason, message: verdict.message }];
    }
  }
  if (status.form !== 'parents') return [];
  return status.assess(facts.view, parsed.model).flatMap(({ accepted, resolvedRefs, partiallyInvalid }) => {
    const found: Judged[] = [];
    if (!accepted.ok) found.push({ object, reason: accepted.reason, message: accepted.message });
    else if (!resolvedRefs.ok) found.push({ object, reason: resolvedRefs.reason, message: resolvedRefs.message });
    if (accepted.ok && partiallyInvalid !== null) {
      found.push({ object, reason: 'PartiallyInvalid', message: partiallyInvalid.message });
    }
    return found;
  });
}

function idleServers(facts: Facts): Finding[] {
  return custom(facts)
    .filter(({ row }) => row.id === SERVER.id)
    .flatMap((object) => {
      const selector = (object.parsed.model as ServerModel | null)?.podSelector ?? null;
      if (selector === null) return [];
      const pods = podsOf(facts.view, object.meta.namespace);
      if (pods.some(({ meta }) => matchesSelector(selector, meta.labels))) return [];
      return [finding(object, 'it selects no pod of its namespace')];
    });
}

function doubtful(facts: Facts): Finding[] {
  return custom(facts)
    .filter(({ parsed }) => parsed.model !== null)
    .flatMap((object) => {
      const warnings = object.parsed.problems.filter(({ severity }) => severity === 'warning');
      return warnings.map(({ path, message }) => finding(object, `${path} ${message}`));
    });
}

/** Routes have conditions for each parent, of which other controllers may have some. */
function conditionsOfAny({ row, raw }: ParsedObject): Condition[] {
  if (row.status.form !== 'parents') return conditionsOf(raw);
  return listOf(child(raw, 'status'), 'parents').flatMap(conditionsIn);
}

/** A definition of somebody else may have no status, which another check says. */
function unobserved(facts: Facts): Finding[] {
  return custom(facts)
    .filter(({ row }) => row.status.form === 'conditions')
    .filter(({ raw, meta }) => {
      const status = child(raw, 'status');
      return status !== undefined && numberOf(status, 'observedGeneration') < meta.generation;
    })
    .map((object) =>
      finding(object, 'its status is about an earlier generation: the operator has not looked at it yet'),
    );
}

/** On routes, an operator of a release before wrote the plain name. */
const PROGRAMMED: readonly string[] = ['Programmed', ROUTE_PROGRAMMED];

function ofProgrammed(facts: Facts, reason: string): Finding[] {
  return custom(facts).flatMap((object) => {
    const found = conditionsOfAny(object).find(
      (each) => PROGRAMMED.includes(each.type) && each.status === 'False' && each.reason === reason,
    );
    return found === undefined ? [] : [finding(object, found.message)];
  });
}
