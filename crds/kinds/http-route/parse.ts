import { MAX_RETRIES, MAX_TIMEOUT_MS, RETRY_BACKOFF_MS } from '../../../proxy-image/contract/policy/limits.ts';
import type { StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { parseDuration } from '../../scalars/duration.ts';
import type { Parsed } from '../../types/problem.ts';
import { HTTP_ROUTE, POLICY_HTTP_ROUTE, type RouteModel, type RouteRule } from '../route/model.ts';
import { parseRoute } from '../route/parse.ts';
import { EVERY_PATH, LEAST_RANK, parseHttpMatch } from './match.ts';

const GRAMMAR = {
  ruleFields: ['name', 'matches', 'filters', 'backendRefs', 'timeouts', 'retry'],
  everything: { match: EVERY_PATH, rank: LEAST_RANK },
  parseMatch: parseHttpMatch,
  parseTimes: (rule: Fields) => ({ ...parseTimeouts(rule), retry: parseRetryStanza(rule) }),
};

/** A HTTPRoute of the Gateway API. Its rules are judged one by one, see `RuleScope`. */
export function parseHttpRoute(raw: unknown): Parsed<RouteModel> {
  return parseRoute(raw, HTTP_ROUTE, GRAMMAR);
}

/** Linkerd's own, which came before; the same but for the group. */
export function parsePolicyHttpRoute(raw: unknown): Parsed<RouteModel> {
  return parseRoute(raw, POLICY_HTTP_ROUTE, GRAMMAR);
}

/** `timeouts` (Gateway API: HTTPRouteTimeouts; a duration of zero means none). */
function parseTimeouts(rule: Fields): Pick<RouteRule, 'requestMs' | 'attemptMs'> {
  const timeouts = rule.object('timeouts');
  if (timeouts === null) return { requestMs: null, attemptMs: 0 };
  const requestMs = readDuration(timeouts, 'request');
  const attemptMs = readDuration(timeouts, 'backendRequest') ?? 0;
  if (requestMs !== null && requestMs > 0 && attemptMs > requestMs) {
    timeouts.problems.error(timeouts.at('backendRequest'), 'must not be longer than request');
  }
  return { requestMs, attemptMs };
}

function readDuration(fields: Fields, key: string): number | null {
  if (fields.text(key) === '') return null;
  const ms = fields.scalar(key, parseDuration, 0);
  if (ms < 0) fields.problems.error(fields.at(key), 'must not be negative');
  if (ms > MAX_TIMEOUT_MS) fields.problems.warning(fields.at(key), 'counts as 24h, which is the longest');
  return Math.ceil(Math.min(Math.max(ms, 0), MAX_TIMEOUT_MS));
}

/**
 * `retry`, which the experimental channel has (Gateway API: HTTPRouteRetry). `attempts` are retries. Without that field there is one, and without `backoff` they
 * pause, as with Linkerd's annotations.
 */
function parseRetryStanza(rule: Fields): StatusRetry | null {
  const retry = rule.object('retry');
  if (retry === null) return null;
  const http = retry.list('codes', LIMITS.retryCodes).map(({ value, path }): [number, number] => {
    const code = typeof value === 'number' && Number.isInteger(value) ? value : 0;
    if (code < 400 || code > 599) retry.problems.error(path, 'must be a status from 400 to 599');
    return [code, code];
  });
  const limit = retry.integer('attempts') ?? 1;
  if (limit < 0 || limit > MAX_RETRIES) retry.problems.error(retry.at('attempts'), `must be from 0 to ${MAX_RETRIES}`);
  return {
    http,
    grpc: [],
    limit: Math.min(Math.max(limit, 0), MAX_RETRIES),
    timeoutMs: 0,
    backoffMs: readDuration(retry, 'backoff') ?? RETRY_BACKOFF_MS,
  };
}
