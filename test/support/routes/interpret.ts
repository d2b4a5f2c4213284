import type { Filter, HeaderChanges, PathChange } from '../../../proxy-image/contract/policy/filter.ts';
import { grpcStatusOf } from '../../../proxy-image/core/classify/grpc-status.ts';
import type { OutboundRouteEntry, ShareEntry } from '../../../proxy-image/core/state/entries.ts';
import type { RouteRequest } from './row.ts';

/** What becomes of a request by the policy that was chosen for it: by the words of the API's types, without any code of the proxy. */
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
  const left = new Interpreter(outcome, backends, request).rule(entry);
  if (left > 0) distribute(outcome, entry.policy.distribution.shares, left, backends, request);
  return outcome;
}

class Interpreter {
  readonly #outcome: Outcome;
  readonly #backends: readonly string[];
  readonly #request: RouteRequest;

  constructor(outcome: Outcome, backends: readonly string[], request: RouteRequest) {
    this.#outcome = outcome;
    this.#backends = backends;
    this.#request = request;
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
        if (filter.hostname !== '') outcome.host = filter.hostname;
        outcome.target = changed(outcome.target, filter.path);
        return left;
      case 'redirect':
        outcome.location = locationOf(filter, outcome, this.#request.port ?? 80);
        answer(outcome, left, filter.status, 0);
        return 0;
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
  request: RouteRequest,
): void {
  const total = shares.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) answer(outcome, percent, 500, grpcStatusOf(500));
  for (const { backend, weight, filters } of shares) {
    const part = total === 0 ? 0 : (percent * weight) / total;
    if (part === 0) continue;
    const { dispatch, meta } = backend;
    if (dispatch.type === 'fail') answer(outcome, part, dispatch.status, grpcStatusOf(dispatch.status));
    else {
      const left = new Interpreter(outcome, backends, request).apply(filters, part);
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

function change(headers: Headers, { add, set, remove }: HeaderChanges): void {
  for (const { name, value } of add) append(headers, name, value);
  for (const { name, value } of set) headers.set(name, [value]);
  for (const name of remove) headers.delete(name);
}

/** Gateway API: HTTPPathModifier. The query is not the path's. */
function changed(target: string, change: PathChange | null): string {
  if (change === null) return target;
  const [path = '', ...query] = target.split('?');
  const rest = query.length === 0 ? '' : `?${query.join('?')}`;
  if (change.type === 'full') return change.path + rest;
  const behind = path.slice(change.prefix.replace(/\/$/, '').length).replace(/^\//, '');
  const front = change.path.replace(/\/$/, '');
  const slash = behind === '' && !path.endsWith('/') ? '' : '/';
  return `${front}${slash}${behind}` === '' ? `/${rest}` : `${front}${slash}${behind}${rest}`;
}

/** Gateway API: HTTPRequestRedirectFilter. The listener of a mesh is the port that was called. */
function locationOf(filter: Extract<Filter, { type: 'redirect' }>, outcome: Outcome, called: number): string {
  const scheme = filter.scheme || 'http';
  const wellKnown = scheme === 'https' ? 443 : 80;
  const port = filter.port || (filter.scheme === '' ? called : wellKnown);
  const host = filter.hostname || outcome.host.replace(/:\d+$/, '');
  return `${scheme}://${host}${port === wellKnown ? '' : `:${port}`}${changed(outcome.target, filter.path)}`;
}
