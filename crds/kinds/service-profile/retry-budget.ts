import {
  MAX_BUDGET_TTL_MS,
  MAX_RETRIES_PER_SECOND,
  MAX_RETRY_RATIO,
  MIN_BUDGET_TTL_MS,
} from '../../../proxy-image/contract/policy/limits.ts';
import type { RetryBudget } from '../../../proxy-image/contract/policy/retry.ts';
import type { Fields } from '../../parse/fields.ts';
import { formatDuration, parseDuration } from '../../scalars/duration.ts';

const RATIO = { min: 0, max: MAX_RETRY_RATIO };
const TTL_MS = { min: MIN_BUDGET_TTL_MS, max: MAX_BUDGET_TTL_MS };

/** `spec.retryBudget`; `null` when it is absent. Outside of the ranges the whole budget counts for nothing: nothing is retried (linkerd2-proxy). */
export function parseRetryBudget(spec: Fields): RetryBudget | null {
  const budget = spec.object('retryBudget');
  if (budget === null) return null;
  budget.closed(['retryRatio', 'minRetriesPerSecond', 'ttl']);
  for (const key of ['retryRatio', 'minRetriesPerSecond', 'ttl']) {
    if (!budget.has(key)) budget.problems.error(budget.at(key), 'is required');
  }
  return {
    ratio: parseRatio(budget),
    minRetriesPerSecond: parseMinimum(budget),
    ttlMs: parseTtl(budget),
  };
}

function parseRatio(budget: Fields): number {
  const ratio = budget.number('retryRatio') ?? 0;
  if (ratio < RATIO.min) {
    budget.problems.error(budget.at('retryRatio'), `must not be negative, but is ${ratio}`);
    return 0;
  }
  warnOutside(budget, 'retryRatio', ratio, RATIO, String);
  return ratio;
}

function parseMinimum(budget: Fields): number {
  const minimum = budget.integer('minRetriesPerSecond') ?? 0;
  if (minimum < 0 || minimum > MAX_RETRIES_PER_SECOND) {
    budget.problems.error(
      budget.at('minRetriesPerSecond'),
      `must be from 0 to ${MAX_RETRIES_PER_SECOND}, not ${minimum}`,
    );
  }
  return minimum;
}

function parseTtl(budget: Fields): number {
  if (budget.has('ttl') && budget.text('ttl') === '') budget.problems.error(budget.at('ttl'), 'must not be empty');
  const ttlMs = budget.scalar('ttl', parseDuration, TTL_MS.min);
  if (ttlMs < 0) budget.problems.error(budget.at('ttl'), 'must not be negative');
  else warnOutside(budget, 'ttl', ttlMs, TTL_MS, formatDuration);
  return ttlMs;
}

function warnOutside(
  budget: Fields,
  key: string,
  value: number,
  range: { min: number; max: number },
  print: (value: number) => string,
): void {
  if (value >= range.min && value <= range.max) return;
  const limits = `${print(range.min)} to ${print(range.max)}`;
  budget.problems.warning(budget.at(key), `is outside ${limits}: nothing is retried with such a budget`);
}
