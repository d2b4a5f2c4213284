import { formatAddress } from '../../contract/keys.ts';
import type { Backend } from '../../contract/policy/backend.ts';
import type { Distribution } from '../../contract/policy/distribution.ts';
import { DEFAULT_ROUTE, type Meta, PROFILE_KIND } from '../../contract/policy/meta.ts';
import type { OutboundPolicy } from '../../contract/policy/outbound.ts';
import { type RoutePolicy, refusal } from '../../contract/policy/route-policy.ts';
import type { Reader } from '../../contract/read/reader.ts';
import { EndpointState } from '../balance/endpoint.ts';
import { compileClasses } from '../classify/compile.ts';
import { TpsBudget } from '../retry/budget.ts';
import { compileTable, type RuleSource } from '../route/compile.ts';
import { newSeries, type RouteSeries, UNRESOLVED } from '../series.ts';
import { compileSplit } from '../split/split.ts';
import type { BuildContext } from './build-context.ts';
import type {
  BackendEntry,
  DispatchEntry,
  DistributionEntry,
  OutboundRouteEntry,
  PolicyEntry,
  ServiceEntry,
} from './entries.ts';
import { NOWHERE } from './no-route.ts';

/** The parts of an entry that its policy says. Expressions that the engine refuses are reported as denials of their rules. */
export function buildPolicy(
  policy: OutboundPolicy,
  authority: string,
  reader: Reader,
  context: BuildContext,
): Pick<ServiceEntry, 'routes' | 'backends' | 'streams' | 'budget'> {
  const backends = policy.backends.map((backend) => buildBackend(backend, context));
  const distributions = policy.distributions.map((distribution) => buildDistribution(distribution, backends));
  const toEntry = new RouteBuilder(policy, authority, distributions);
  const refused = toEntry.build(-1, '');
  const sources = policy.rules.map((rule): RuleSource<OutboundRouteEntry> => {
    const entry = toEntry.build(rule.policy, rule.section);
    // Without its route a request of a profile gets what the Service does for all; a rule of another kind may be there to keep requests out.
    return { match: rule.match, entry, refusal: entry.dst === '' ? refused : null };
  });
  const { table, problems } = compileTable(sources, toEntry.build(policy.fallback, ''), context.loadEngine);
  for (const { index, message } of problems) reader.deny(`policy.rules[${index}].match`, message);
  const streams = distributions[policy.streams] ?? NOWHERE;
  return { routes: table, backends, streams, budget: budgetOf(policy.retryBudget, context) };
}

function buildBackend({ meta, authority, dispatch }: Backend, context: BuildContext): BackendEntry {
  return { meta, authority, dispatch: buildDispatch(dispatch, context), series: UNRESOLVED, generation: UNRESOLVED };
}

function buildDispatch(dispatch: Backend['dispatch'], context: BuildContext): DispatchEntry {
  switch (dispatch.type) {
    case 'balance': {
      const { type, balancer, localTrafficOnly, slowStartMs, breaker, penalty, queue } = dispatch;
      const pool = context.pool(dispatch.endpoints);
      return { type, pool, balancer, localTrafficOnly, slowStartMs, breaker, penalty, queue };
    }
    case 'address': {
      const { ip: address, port } = dispatch;
      const facts = { address, port, identity: null, proxyPort: 0, protocol: 'detect', node: '', zone: '' } as const;
      return {
        type: 'address',
        endpoint: new EndpointState(formatAddress(address, port), { ...facts, hintZones: [], labels: {} }),
      };
    }
    case 'fail':
      return dispatch;
  }
}

function buildDistribution(distribution: Distribution, backends: readonly BackendEntry[]): DistributionEntry {
  const shares = distribution.flatMap(({ backend, weight, filters }, index) => {
    const entry = backends[backend];
    return entry === undefined ? [] : [{ index, backend: entry, weight, filters }];
  });
  const [first, ...others] = shares;
  return {
    only: first !== undefined && first.weight > 0 && others.length === 0 ? first : null,
    shares,
    split: compileSplit(shares.map(({ weight }) => weight)),
    isFiltered: shares.some(({ filters }) => filters.length > 0),
    hashKey: hashKeyOf(shares),
  };
}

function hashKeyOf(shares: DistributionEntry['shares']): DistributionEntry['hashKey'] {
  for (const { dispatch } of shares.map(({ backend }) => backend)) {
    if (dispatch.type === 'balance' && dispatch.balancer.type === 'consistentHash') return dispatch.balancer.key;
  }
  return null;
}

type Counted = Pick<OutboundRouteEntry, 'dst' | 'classes' | 'policy'>;

/** Entries of rules. What rules have in common they share: a profile may have thousands that are treated alike. */
class RouteBuilder {
  readonly #policies: readonly Counted[];
  readonly #refused: Counted;

  constructor(policy: OutboundPolicy, authority: string, distributions: readonly DistributionEntry[]) {
    const build = (source: RoutePolicy, origin: Meta): Counted => ({
      dst: origin.kind === PROFILE_KIND ? authority : '',
      classes: compileClasses(source.classes),
      policy: buildRoutePolicy(source, origin, distributions[source.distribution] ?? NOWHERE),
    });
    this.#policies = policy.policies.map((source) => build(source, policy.origins[source.origin] ?? DEFAULT_ROUTE));
    this.#refused = build(refusal(-1, -1), DEFAULT_ROUTE);
  }

  /** An index that is none: a policy that refuses everything. */
  build(index: number, name: string): OutboundRouteEntry {
    const { dst, classes, policy } = this.#policies[index] ?? this.#refused;
    return { direction: 'outbound', name, dst, classes, policy, series: UNRESOLVED, generation: UNRESOLVED };
  }
}

function buildRoutePolicy(source: RoutePolicy, origin: Meta, distribution: DistributionEntry): PolicyEntry {
  const { filters, retry, timeouts } = source;
  return { origin, filters, distribution, retry, timeouts, series: seriesOf(origin, distribution) };
}

/** Only routes of the Gateway API are counted so (linkerd2-proxy: policy-era families). */
function seriesOf({ kind }: Meta, { shares }: DistributionEntry): RouteSeries | null {
  if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') return null;
  return { isGrpc: kind === 'GRPCRoute', route: newSeries(), retries: newSeries(), backends: shares.map(newSeries) };
}

/** An update that leaves the parameters alone must not refill the budget: a flapping profile would lift the bound on retries. */
function budgetOf(parameters: TpsBudget['parameters'], { previous, nowMs }: BuildContext): TpsBudget {
  const before = previous?.kind === 'service' ? previous.budget : null;
  const same =
    before !== null &&
    before.parameters.ratio === parameters.ratio &&
    before.parameters.minRetriesPerSecond === parameters.minRetriesPerSecond &&
    before.parameters.ttlMs === parameters.ttlMs;
  return same ? before : new TpsBudget(parameters, nowMs);
}
