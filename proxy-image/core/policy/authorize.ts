import { isLoopback, parsePeerIp } from '../../../lib/ip.ts';
import { contains } from '../net/cidr.ts';
import { type SeriesHolder, UNRESOLVED } from '../series.ts';
import type { CompiledAuthorization, DenyReason, PolicyDecision, PortPolicyEntry } from './policy.ts';

/** Facts about the client of one inbound connection; made once at accept. Policy looks at nothing else of a client. */
export class InboundPeer implements SeriesHolder {
  /** Network order, 4 or 16 bytes; v4-mapped addresses are IPv4. `null` = the text was no address: no network contains it. */
  readonly ip: Uint8Array | null;
  readonly address: string;
  /** Verified TLS identity, or `null`. */
  readonly identity: string | null;
  readonly tls: boolean;
  readonly loopback: boolean;
  judgedPolicy: PortPolicyEntry | null = null;
  judgedDecision: PolicyDecision | null = null;
  /** The recorder's: which decision `series` was resolved for. */
  seriesDecision: PolicyDecision | null = null;
  series: number = UNRESOLVED;
  generation: number = UNRESOLVED;

  constructor(address: string, identity: string | null, tls: boolean) {
    this.address = address;
    this.ip = parsePeerIp(address);
    this.identity = identity;
    this.tls = tls;
    // Mesh connections are judged by their identity wherever they come from: only plaintext of the pod itself is its own business.
    this.loopback = !tls && this.ip !== null && isLoopback(this.ip);
  }
}

/** May this client talk to the port at all? For TCP the whole answer; for HTTP the answer for every request that is no probe. */
export function authorizeConnection(policy: PortPolicyEntry, peer: InboundPeer): PolicyDecision {
  if (peer.judgedPolicy === policy) return peer.judgedDecision!;
  const decision = judge(policy, peer);
  peer.judgedPolicy = policy;
  peer.judgedDecision = decision;
  return decision;
}

/** The one method that a gRPC probe calls (kubernetes pkg/probe/grpc; gRPC health checking protocol). */
const GRPC_HEALTH_CHECK = '/grpc.health.v1.Health/Check';

/**
 * One HTTP request. `target` is the request target as received: a probe must be the exact path and query of the pod's own probe, by GET or HEAD, or the
 * health check of gRPC where the pod has a gRPC probe, on the port whose policy this is; nothing else about the client makes a request a probe.
 * `isGrpc`: HTTP/2 with gRPC's content type.
 */
export function authorizeRequest(
  policy: PortPolicyEntry,
  peer: InboundPeer,
  method: string,
  target: string,
  isGrpc: boolean,
): PolicyDecision {
  const decision = authorizeConnection(policy, peer);
  // A probe is labelled as one only where nothing else lets it through, so that an authorized client keeps its label.
  if (decision.allowed && decision.reason !== 'audit') return decision;
  return isProbe(policy, method, target, isGrpc) ? policy.decisions.probe : decision;
}

function isProbe(policy: PortPolicyEntry, method: string, target: string, isGrpc: boolean): boolean {
  if (method === 'GET' || method === 'HEAD') return policy.probePaths.has(target);
  return policy.grpcProbe && isGrpc && method === 'POST' && target === GRPC_HEALTH_CHECK;
}

function judge(policy: PortPolicyEntry, peer: InboundPeer): PolicyDecision {
  if (peer.loopback) return policy.decisions.loopback;
  let denied: DenyReason = policy.authorizations.length === 0 ? 'no_authorizations' : 'network_not_authorized';
  for (const authorization of policy.authorizations) {
    if (!inNetworks(authorization, peer)) continue;
    const missing = missingAuthentication(authorization, peer);
    if (missing === null) return authorization.decision;
    denied = missing;
  }
  return policy.audit ? policy.decisions.audit : policy.decisions.denied[denied];
}

function inNetworks(authorization: CompiledAuthorization, peer: InboundPeer): boolean {
  if (peer.ip === null) return false;
  for (const network of authorization.networks) {
    if (contains(network, peer.ip)) return true;
  }
  return false;
}

function missingAuthentication(authorization: CompiledAuthorization, peer: InboundPeer): DenyReason | null {
  if (authorization.needs === 0) return null;
  if (!peer.tls) return authorization.needs === 1 ? 'tls_required' : 'identity_required';
  if (authorization.needs === 1) return null;
  if (peer.identity === null) return 'identity_required';
  return hasIdentity(authorization, peer.identity) ? null : 'identity_not_authorized';
}

function hasIdentity(authorization: CompiledAuthorization, identity: string): boolean {
  if (authorization.anyIdentity || authorization.identities.has(identity)) return true;
  for (const suffix of authorization.suffixes) {
    if (identity.length > suffix.length && identity.endsWith(suffix)) return true;
  }
  return false;
}
