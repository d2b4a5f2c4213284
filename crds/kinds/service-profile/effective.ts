import {
  MAX_BUDGET_TTL_MS,
  MAX_RETRIES_PER_SECOND,
  MAX_RETRY_RATIO,
  MIN_BUDGET_TTL_MS,
} from '../../../proxy-image/contract/policy/limits.ts';
import type { RetryBudget } from '../../../proxy-image/contract/policy/retry.ts';
import type { ClusterView } from '../../state/view.ts';
import type { MeshModel } from '../mesh/model.ts';
import { type ServiceName, serviceFqdn } from '../service/authority.ts';
import type { ServiceProfileModel } from './model.ts';
import { profileOf } from './queries.ts';

/** Linkerd's budget where a profile has none (linkerd2-proxy, `service-profiles`). */
const DEFAULT_RETRY_BUDGET: RetryBudget = { ratio: 0.2, minRetriesPerSecond: 10, ttlMs: 10_000 };

/** A discarded budget allows no retry at all. */
const NO_RETRIES: RetryBudget = { ratio: 0, minRetriesPerSecond: 0, ttlMs: 10_000 };

/** A profile in the client's namespace wins, but only there; the two are never merged (Linkerd: service profile lookup). */
export function effectiveProfile(
  view: ClusterView,
  mesh: MeshModel,
  service: ServiceName,
  clientNamespace: string,
): ServiceProfileModel | null {
  const name = serviceFqdn(service, mesh);
  const own = clientNamespace === '' ? null : profileOf(view, clientNamespace, name);
  return own ?? profileOf(view, service.namespace, name);
}

/** Whether it says where requests go, or what becomes of them: then routes of other kinds have no say (linkerd2-proxy: `should_override_policy`). */
export function isOverruling(profile: ServiceProfileModel | null): profile is ServiceProfileModel {
  return profile !== null && (profile.routes.length > 0 || profile.dstOverrides.length > 0);
}

export function effectiveBudget(profile: ServiceProfileModel | null): RetryBudget {
  const budget = profile?.retryBudget ?? DEFAULT_RETRY_BUDGET;
  if (budgetProblem(budget) !== null) return NO_RETRIES;
  return { ratio: budget.ratio, minRetriesPerSecond: budget.minRetriesPerSecond, ttlMs: budget.ttlMs };
}

/** Why a budget is discarded as a whole (linkerd2-proxy does the same), or `null`. */
export function budgetProblem(budget: RetryBudget): string | null {
  if (!within(budget.ttlMs, MIN_BUDGET_TTL_MS, MAX_BUDGET_TTL_MS)) return 'retryBudget.ttl must be from 1s to 60s';
  if (!within(budget.ratio, 0, MAX_RETRY_RATIO)) return 'retryBudget.retryRatio must be from 0 to 1000';
  if (!within(budget.minRetriesPerSecond, 0, MAX_RETRIES_PER_SECOND)) {
    return `retryBudget.minRetriesPerSecond must be from 0 to ${MAX_RETRIES_PER_SECOND}`;
  }
  return null;
}

function within(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
