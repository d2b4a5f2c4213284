import type { OutboundProtocol, RetryBudget } from '../resources.ts';
import type { Backend } from './backend.ts';
import type { RequestMatch } from './match.ts';
import type { Meta } from './meta.ts';
import type { Distribution, RoutePolicy } from './route-policy.ts';

/** The requests that `match` is true of get `policies[policy]`. `section`: the name of the route of a profile, or of the rule of a route; empty = it has none. */
export interface Rule {
  match: RequestMatch;
  section: string;
  policy: number;
}

/**
 * All that is done with the traffic to one port of a Service, whoever wrote it: ServiceProfile, TrafficSplit, HTTPRoute, GRPCRoute or annotations compile to
 * it, and a proxy never asks which. Tables are referred to by index.
 */
export interface OutboundPolicy {
  protocol: OutboundProtocol;
  /** Whom the traffic is for: `parent_*` labels. */
  parent: Meta;
  /** Objects that the policies come from. */
  origins: Meta[];
  backends: Backend[];
  distributions: Distribution[];
  policies: RoutePolicy[];
  /** In order of precedence, which the compiler decides: the first that matches wins. */
  rules: Rule[];
  /** For requests that no rule matches: an index of `policies`. 404 where routes exist is a policy with a `fail` filter. */
  fallback: number;
  /** For connections whose bytes are not HTTP: an index of `distributions`. */
  streams: number;
  /** Shared by all policies that retry by budget. */
  retryBudget: RetryBudget;
}
