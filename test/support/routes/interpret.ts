import type { Filter, HeaderChanges } from '../../../proxy-image/contract/policy/filter.ts';
import { grpcStatusOf } from '../../../proxy-image/contract/policy/grpc-status.ts';
import { applyFilters } from '../../../proxy-image/core/filter/apply.ts';
import { changedFields } from '../../../proxy-image/core/filter/header-changes.ts';
import type { Rng } from '../../../proxy-image/core/rng.ts';
import type { OutboundRouteEntry, ShareEntry } from '../../../proxy-image/core/state/entries.ts';
import type { RouteRequest } from './row.ts';

/** What becomes of requests by the policy that was chosen for them: each filter as the proxy's core has it, shares by their weights and ratios. */
export interface Outcome {
  /** In percent; `invalid`: answered by the proxy. */
  shares: Record<string, number>;
  status: number;
  grpcStatus: number;
  location: string;
  target: string;
  host: string;
  requestHeaders: Headers;
  responseHeaders: Headers;
  mirrors: Record<string, number>;
  delayMs: number;
}

/** Lines by lower-case name. */
export type Headers = Map<string, string[]>;

export function interpret(entry: OutboundRouteEntry, backends: readonly string[], request: RouteRequest): Outcome {
  const requestHeaders: Headers = new Map();
  for (const [name, value] of request.headers ?? []) append(requestHeaders, name.toLowerCase(), value);
  const outcome: Outcome = {
    shares: {},
    status: 0,
    grpcStatus: 0,
    location: '',
    target: request.target,
    host: requestHeaders.get('host')?.[0] ?? '',
    requestHeaders,
    responseHeaders: new Map([
      ['x-server', ['echo']],
      ['x-kind', ['plain']],
    ]),
    mirrors: {},
    delayMs: 0,
  };
  const left = new Interpreter(outcome, backends).rule(entry);
  if (left > 0) distribute(outcome, entry.policy.distribution.shares, left, backends);
  return outcome;
}

class Interpreter {
  readonly #outcome: Outcome;
  readonly #backends: readonly string[];

  constructor(outcome: Outcome, backends: readonly string[]) {
    this.#outcome = outcome;
    this.#backends = backends;
  }

  rule(entry: OutboundRouteEntry): number {
    return this.apply(entry.policy.filters, 100);
  }

  /** Returns how many of `percent` go on. */
  apply(filters: readonly Filter[], percent: number): number {
    return filters.reduce((left, filter) => (left === 0 ? 0 : this.#filter(filter, left)), percent);
  }

  #filter(filter: Filter, left: number): number {
    const outcome = this.#outcome;
    switch (filter.type) {
      case 'requestHeaders':
        change(outcome.requestHeaders, filter.changes);
        return left;
      case 'responseHeaders':
        change(outcome.responseHeaders, filter.changes);
        return left;
      case 'rewrite':
      case 'redirect': {
        const { target, host, redirect } = applyFilters([filter], outcome, NO_CHANCE);
        outcome.target = target || outcome.target;
        outcome.host = host || outcome.host;
        if (redirect === null) return left;
        outcome.location = redirect.location;
        answer(outcome, left, redirect.status, 0);
        return 0;
      }
      case 'fail':
        answer(outcome, left * filter.ratio, filter.status, filter.grpcStatus);
        return left * (1 - filter.ratio);
      case 'delay':
        outcome.delayMs = filter.ms;
        return left;
      case 'mirror':
        outcome.mirrors[this.#backends[filter.backend]!] = Math.round(filter.ratio * 100);
        return left;
    }
  }
}

function distribute(
  outcome: Outcome,
  shares: readonly ShareEntry[],
  percent: number,
  backends: readonly string[],
): void {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) answer(outcome, percent, 500, grpcStatusOf(500));
  for (const { backend, weight, filters } of shares) {
    const part = total === 0 ? 0 : (percent * weight) / total;
    if (part === 0) continue;
    const { dispatch, meta } = backend;
    if (dispatch.type === 'fail') answer(outcome, part, dispatch.status, grpcStatusOf(dispatch.status));
    else {
      const left = new Interpreter(outcome, backends).apply(filters, part);
      if (left > 0) outcome.shares[meta.name] = (outcome.shares[meta.name] ?? 0) + left;
    }
  }
}

function answer(outcome: Outcome, percent: number, status: number, grpcStatus: number): void {
  outcome.shares['invalid'] = (outcome.shares['invalid'] ?? 0) + percent;
  outcome.status = status;
  outcome.grpcStatus = grpcStatus;
}

function append(headers: Headers, name: string, value: string): void {
  headers.set(name, [...(headers.get(name) ?? []), value]);
}

function change(headers: Headers, changes: HeaderChanges): void {
  const fields = [...headers].flatMap(([name, values]) => values.map((value) => [name, value] as const));
  headers.clear();
  for (const [name, value] of changedFields(fields, changes)) append(headers, name, value);
}

const NO_CHANCE: Rng = {
  uint32() {
    throw new Error('left to chance');
  },
};
