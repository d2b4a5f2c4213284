import type { Filter, HeaderChanges } from '../../contract/policy/filter.ts';
import { fraction, type Rng } from '../rng.ts';
import { changedTarget } from './path-change.ts';
import { locationOf } from './redirect.ts';

/** What filters look at. */
export interface FilteredRequest {
  /** `Host` or `:authority`; empty when there is none. */
  readonly host: string;
  /** Path and query. */
  readonly target: string;
}

type Fail = Extract<Filter, { type: 'fail' }>;

/** What a list of filters does to one request. */
export interface Filtered {
  /** Before anything else happens; 0 = at once. */
  delayMs: number;
  /** Nobody upstream is asked: it fails so, or is sent elsewhere. */
  fail: Fail | null;
  redirect: { readonly status: number; readonly location: string } | null;
  /** As it goes on; what is empty stays as it is. */
  target: string;
  host: string;
  readonly request: HeaderChanges[];
  readonly response: HeaderChanges[];
  /** Backends that get a copy, by index. */
  readonly mirrors: number[];
}

/** What they do, in the order of the list; behind one that answers, nothing. Randomness is only asked where a ratio leaves something to it. */
export function applyFilters(filters: readonly Filter[], request: FilteredRequest, rng: Rng): Filtered {
  const filtered: Filtered = {
    delayMs: 0,
    fail: null,
    redirect: null,
    target: '',
    host: '',
    request: [],
    response: [],
    mirrors: [],
  };
  for (const filter of filters) {
    apply(filter, request, rng, filtered);
    if (filtered.fail !== null || filtered.redirect !== null) break;
  }
  return filtered;
}

function apply(filter: Filter, request: FilteredRequest, rng: Rng, filtered: Filtered): void {
  switch (filter.type) {
    case 'requestHeaders':
      filtered.request.push(filter.changes);
      break;
    case 'responseHeaders':
      filtered.response.push(filter.changes);
      break;
    case 'rewrite':
      if (filter.hostname !== '') filtered.host = filter.hostname;
      if (filter.path !== null) filtered.target = changedTarget(filtered.target || request.target, filter.path);
      break;
    case 'redirect':
      filtered.redirect = {
        status: filter.status,
        location: locationOf(filter, filtered.host || request.host, filtered.target || request.target),
      };
      break;
    case 'fail':
      if (isChosen(filter.ratio, rng)) filtered.fail = filter;
      break;
    case 'delay':
      if (isChosen(filter.ratio, rng)) filtered.delayMs += filter.ms;
      break;
    case 'mirror':
      if (isChosen(filter.ratio, rng)) filtered.mirrors.push(filter.backend);
      break;
  }
}

function isChosen(ratio: number, rng: Rng): boolean {
  return ratio >= 1 || (ratio > 0 && fraction(rng) < ratio);
}
