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

/** What one type of filter does; of any other type, nothing. One function in one file, or here, and one line in `FILTERS`. */
export type FilterKind = (filter: Filter, filtered: Filtered, request: FilteredRequest, rng: Rng) => void;

const requestHeaders: FilterKind = (filter, filtered) => {
  if (filter.type === 'requestHeaders') filtered.request.push(filter.changes);
};

const responseHeaders: FilterKind = (filter, filtered) => {
  if (filter.type === 'responseHeaders') filtered.response.push(filter.changes);
};

const rewrite: FilterKind = (filter, filtered, request) => {
  if (filter.type !== 'rewrite') return;
  if (filter.hostname !== '') filtered.host = filter.hostname;
  if (filter.path !== null) filtered.target = changedTarget(filtered.target || request.target, filter.path);
};

const redirect: FilterKind = (filter, filtered, request) => {
  if (filter.type !== 'redirect') return;
  const location = locationOf(filter, filtered.host || request.host, filtered.target || request.target);
  filtered.redirect = { status: filter.status, location };
};

const fail: FilterKind = (filter, filtered, _, rng) => {
  if (filter.type === 'fail' && isChosen(filter.ratio, rng)) filtered.fail = filter;
};

const delay: FilterKind = (filter, filtered, _, rng) => {
  if (filter.type === 'delay' && isChosen(filter.ratio, rng)) filtered.delayMs += filter.ms;
};

const mirror: FilterKind = (filter, filtered, _, rng) => {
  if (filter.type === 'mirror' && isChosen(filter.ratio, rng)) filtered.mirrors.push(filter.backend);
};

export const FILTERS: readonly FilterKind[] = [requestHeaders, responseHeaders, rewrite, redirect, fail, delay, mirror];

/** What they do, in the order of the list; behind one that answers, nothing. Randomness is only asked where a ratio leaves something to it. */
export function applyFilters(
  filters: readonly Filter[],
  request: FilteredRequest,
  rng: Rng,
  kinds: readonly FilterKind[] = FILTERS,
): Filtered {
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
    for (const carryOut of kinds) carryOut(filter, filtered, request, rng);
    if (filtered.fail !== null || filtered.redirect !== null) break;
  }
  return filtered;
}

function isChosen(ratio: number, rng: Rng): boolean {
  return ratio >= 1 || (ratio > 0 && fraction(rng) < ratio);
}
