import type { Filter } from '../../../proxy-image/contract/policy/filter.ts';
import type { RequestMatch } from '../../../proxy-image/contract/policy/match.ts';
import type { StatusRetry } from '../../../proxy-image/contract/policy/retry.ts';
import type { RouteTraffic } from '../../annotations/traffic.ts';
import { GATEWAY_GROUP, POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const GRPC_ROUTE = kindName<RouteModel>(GATEWAY_GROUP, 'GRPCRoute', ['v1']);
export const HTTP_ROUTE = kindName<RouteModel>(GATEWAY_GROUP, 'HTTPRoute', ['v1beta1', 'v1']);

/** Linkerd's own, which came before the Gateway API had one for meshes; the same but for the group. */
export const POLICY_HTTP_ROUTE = kindName<RouteModel>(POLICY_GROUP, 'HTTPRoute', [
  'v1alpha1',
  'v1beta1',
  'v1beta2',
  'v1beta3',
]);

/** HTTPRoute of either group and GRPCRoute: what they share is all but their matches. */
export interface RouteModel {
  meta: ObjectMeta;
  group: string;
  kind: 'HTTPRoute' | 'GRPCRoute';
  parents: ParentRef[];
  /** In lower case, `*.example.com` among them; empty = whatever the host is. They have no meaning for a Service. */
  hostnames: string[];
  rules: RouteRule[];
  /** What its annotations say in place of those of its Service. */
  traffic: RouteTraffic;
}

/**
 * What a route is attached to. `egressNetwork`: Linkerd's, which is ours to answer for but not to be had; nothing is routed by it. `other`: somebody else's to
 * serve (a Gateway), who alone speaks of it.
 */
export interface ParentRef {
  target: 'service' | 'server' | 'egressNetwork' | 'other';
  /** That of the route where none is written. */
  namespace: string;
  name: string;
  /** Name of a port of the Service; empty = it does not say. */
  sectionName: string;
  /** 0 = it does not say. */
  port: number;
  /** Its fields as they stand in the object: a status repeats them so, for tools look for exactly what they wrote (Flagger compares with DeepEqual). */
  written: Readonly<Record<string, string | number>>;
}

export interface RouteRule {
  /** Empty = it has none. */
  name: string;
  /** None only where all were wrong: a rule without matches is for every request. */
  matches: RouteMatch[];
  /** How many more there are, which cannot be read: what they are for is not known. */
  unreadMatches: number;
  filters: RouteFilter[];
  backends: BackendRef[];
  /** `request` of `timeouts`; `null` = not said. Milliseconds; 0 = no timeout. */
  requestMs: number | null;
  /** `backendRequest` of `timeouts`; 0 = none. */
  attemptMs: number;
  retry: StatusRetry | null;
  /** Why it cannot be carried out as written: its requests get 500. Empty = it can. */
  broken: string[];
}

export interface RouteMatch {
  match: RequestMatch;
  rank: MatchRank;
}

/** How specific a match is, most important figure first; the larger goes first. Of matches of one kind of route all ranks have the same length. */
export type MatchRank = readonly number[];

export type RouteFilter =
  | Extract<Filter, { type: 'requestHeaders' | 'responseHeaders' | 'rewrite' | 'redirect' }>
  | { type: 'mirrorTo'; to: ObjectTarget; ratio: number }
  | { type: 'extension'; group: string; kind: string; name: string };

/** What traffic is sent to. Only a Service (group empty) can be. */
export interface ObjectTarget {
  group: string;
  kind: string;
  namespace: string;
  name: string;
  /** 0 = not written. */
  port: number;
}

export interface BackendRef extends ObjectTarget {
  weight: number;
  filters: RouteFilter[];
}
