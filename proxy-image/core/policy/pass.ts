import { contains } from '../net/cidr.ts';
import type { CompiledAuthorization, DenyReason, Gate, PolicyDecision } from './decision.ts';
import type { InboundPeer } from './peer.ts';

/** May this client pass the gate? Judged once per connection and gate. */
export function authorize(gate: Gate, peer: InboundPeer): PolicyDecision {
  return peer.judgedBy(gate) ?? peer.remember(gate, judge(gate, peer));
}

function judge(gate: Gate, peer: InboundPeer): PolicyDecision {
  if (gate.closed !== null) return gate.closed;
  if (peer.loopback) return gate.decisions.loopback;
  let denied: DenyReason = gate.authorizations.length === 0 ? 'no_authorizations' : 'network_not_authorized';
  for (const authorization of gate.authorizations) {
    if (!inNetworks(authorization, peer)) continue;
    const missing = missingAuthentication(authorization, peer);
    if (missing === null) return authorization.decision;
    denied = missing;
  }
  return gate.audit ? gate.decisions.audit : gate.decisions.denied[denied];
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
