import type { InboundProtocol } from '../../contract/policy/protocol.ts';
import type { AuthenticationMatch, Authorization, ObjectLabel } from '../../contract/resources.ts';
import { type CompiledNetwork, compileNetwork } from '../net/cidr.ts';
import type { RouteTable } from '../route/table.ts';
import type { CompiledAuthorization, DenyReason, PolicyDecision, PolicyReason, PortPolicyEntry } from './policy.ts';

/** Loopback is always authorized under this name (linkerd2-proxy: inbound policy defaults). */
const LOCALHOST: ObjectLabel = { group: '', kind: 'default', name: 'localhost' };
const PROBE: ObjectLabel = { group: '', kind: 'default', name: 'probe' };
const AUDIT: ObjectLabel = { group: '', kind: 'default', name: 'audit' };

export interface PolicySource {
  server: ObjectLabel;
  protocol: InboundProtocol;
  authorizations: readonly Authorization[];
  audit: boolean;
  probePaths: readonly string[];
  grpcProbe: boolean;
}

/** `opaque`: the port has no policy of its own and lies in the workload's opaque ranges. */
export function compilePolicy(
  source: PolicySource,
  port: number,
  opaque: boolean,
  routes: RouteTable,
): PortPolicyEntry {
  const { server } = source;
  const decide = (reason: PolicyReason, authorization: ObjectLabel | null): PolicyDecision => ({
    allowed: authorization !== null,
    reason,
    server,
    authorization,
  });
  return {
    port,
    server,
    protocol: opaque ? 'opaque' : source.protocol,
    authorizations: source.authorizations.map((authorization) =>
      compileAuthorization(authorization, decide('authorized', authorization.label)),
    ),
    audit: source.audit,
    probePaths: new Set(source.probePaths.map(probeTarget)),
    grpcProbe: source.grpcProbe,
    hasProbes: source.probePaths.length > 0 || source.grpcProbe,
    routes,
    decisions: {
      loopback: decide('loopback', LOCALHOST),
      probe: decide('probe', PROBE),
      audit: decide('audit', AUDIT),
      denied: denials((reason) => decide(reason, null)),
    },
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
