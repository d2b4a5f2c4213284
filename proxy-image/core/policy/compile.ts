import type { InboundProtocol } from '../../contract/policy/protocol.ts';
import type { AuthenticationMatch, Authorization, ObjectLabel } from '../../contract/resources.ts';
import { type CompiledNetwork, compileNetwork } from '../net/cidr.ts';
import type { RouteEntry, RouteTable } from '../route/table.ts';
import type { CompiledAuthorization, DenyReason, Gate, PolicyDecision, PolicyReason, RuleFacts } from './decision.ts';
import type { PortPolicyEntry, Rules } from './policy.ts';
import type { RateLimiter } from './rate-limit.ts';

/** Loopback is always authorized under this name (linkerd2-proxy: inbound policy defaults). */
const LOCALHOST: ObjectLabel = { group: '', kind: 'default', name: 'localhost' };
const PROBE: ObjectLabel = { group: '', kind: 'default', name: 'probe' };
const AUDIT: ObjectLabel = { group: '', kind: 'default', name: 'audit' };
/** Where no route is attached there is one for everything (Linkerd: §8.4 default and probe routes). */
const DEFAULT_ROUTE: ObjectLabel = { group: '', kind: 'default', name: 'default' };

export interface PolicySource {
  server: ObjectLabel;
  protocol: InboundProtocol;
  authorizations: readonly Authorization[];
  audit: boolean;
  probePaths: readonly string[];
  grpcProbe: boolean;
}

/** What a policy is compiled with beside its source. */
export interface PolicyParts {
  port: number;
  /** The port has no policy of its own and lies in the workload's opaque ranges. */
  opaque: boolean;
  routes: RouteTable<RouteEntry>;
  rules: Rules | null;
  limiter: RateLimiter | null;
}

export function compilePolicy(source: PolicySource, parts: PolicyParts): PortPolicyEntry {
  const { server } = source;
  const probe = deciding(server, PROBE, null);
  return {
    port: parts.port,
    server,
    protocol: parts.opaque ? 'opaque' : source.protocol,
    gate: gateOf(source, deciding(server, DEFAULT_ROUTE, null)),
    rules: parts.rules,
    probePaths: new Set(source.probePaths.map(probeTarget)),
    grpcProbe: source.grpcProbe,
    hasProbes: source.probePaths.length > 0 || source.grpcProbe,
    limiter: parts.limiter,
    routes: parts.routes,
    decisions: { probe: probe('probe', PROBE) },
  };
}

export type Decide = (reason: PolicyReason, authorization: ObjectLabel | null) => PolicyDecision;

/** Makes the decisions of one route. */
export function deciding(server: ObjectLabel, route: ObjectLabel, rule: RuleFacts | null): Decide {
  return (reason, authorization) => ({
    allowed: authorization !== null,
    reason,
    server,
    authorization,
    route,
    rule,
  });
}

export function gateOf(
  { authorizations, audit }: Pick<PolicySource, 'authorizations' | 'audit'>,
  decide: Decide,
): Gate {
  return {
    authorizations: authorizations.map((each) => compileAuthorization(each, decide('authorized', each.label))),
    audit,
    decisions: {
      loopback: decide('loopback', LOCALHOST),
      audit: decide('audit', AUDIT),
      denied: denials((reason) => decide(reason, null)),
    },
    closed: null,
  };
}

/** An older operator sends paths as they are written: the kubelet puts a slash before one that lacks it. */
function probeTarget(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function denials(deny: (reason: DenyReason) => PolicyDecision): Record<DenyReason, PolicyDecision> {
  return {
    no_authorizations: deny('no_authorizations'),
    network_not_authorized: deny('network_not_authorized'),
    tls_required: deny('tls_required'),
    identity_required: deny('identity_required'),
    identity_not_authorized: deny('identity_not_authorized'),
    rule_not_understood: deny('rule_not_understood'),
  };
}

function compileAuthorization(source: Authorization, decision: PolicyDecision): CompiledAuthorization {
  // What is no network was refused where the resource was read; leaving it out here authorizes fewer, never more.
  const networks = source.networks
    .map(compileNetwork)
    .filter((network): network is CompiledNetwork => network !== null);
  const names = source.authentication.type === 'identities' ? source.authentication.identities : [];
  return {
    networks,
    needs: needsOf(source.authentication),
    anyIdentity: names.includes('*'),
    identities: new Set(names.filter((name) => !name.startsWith('*'))),
    // `*.ns.example` matches `a.ns.example` and not `bns.example`: the dot stays. A star anywhere else is a plain character and matches no name.
    suffixes: names.filter((name) => name.startsWith('*.') && name.length > 2).map((name) => name.slice(1)),
    decision,
  };
}

function needsOf(authentication: AuthenticationMatch): 0 | 1 | 2 {
  switch (authentication.type) {
    case 'unauthenticated':
      return 0;
    case 'tls':
      return 1;
    case 'identities':
      return 2;
  }
}
