import type { RequestFacts } from '../route/request.ts';
import { authorize } from './pass.ts';
import type { InboundPeer } from './peer.ts';
import type { PolicyDecision, PortPolicyEntry } from './policy.ts';

export { InboundPeer } from './peer.ts';

/** May this client talk to the port at all? For bytes the whole answer; for HTTP the answer where the port has no rules and the request is no probe. */
export function authorizeConnection(policy: PortPolicyEntry, peer: InboundPeer): PolicyDecision {
  return authorize(policy.gate, peer);
}

/**
 * One HTTP request: the first rule that matches decides who may; where there are rules and none matches, nobody (404). A probe is the exact path and query of
 * one of the pod's own probes, by GET or HEAD, or the health check of gRPC where the pod has a gRPC probe, on the port whose policy this is; it passes
 * whatever the rules are (ADR 26), and nothing else about a client makes a request a probe.
 */
export function authorizeRequest(policy: PortPolicyEntry, peer: InboundPeer, request: RequestFacts): PolicyDecision {
  const decision = policy.rules === null ? authorize(policy.gate, peer) : policy.rules.decide(peer, request);
  // A probe is labelled as one only where nothing else lets it through, so that an authorized client keeps its label.
  if (!policy.hasProbes || (decision.allowed && decision.reason !== 'audit')) return decision;
  return isProbe(policy, request) ? policy.decisions.probe : decision;
}

/** What `granted` has opened (a tunnel, which has left HTTP behind) under the policy as it is now. */
export function authorizeAgain(policy: PortPolicyEntry, peer: InboundPeer, granted: PolicyDecision): PolicyDecision {
  return policy.rules === null ? authorize(policy.gate, peer) : policy.rules.decideAgain(peer, granted);
}

/** The one method that a gRPC probe calls (kubernetes pkg/probe/grpc; gRPC health checking protocol). */
const GRPC_HEALTH_CHECK = '/grpc.health.v1.Health/Check';

/**
 * The kubelet never asks in absolute form: a probe's path at another host's is no probe, and would lead strangers through an application that is a proxy for
 * its clients.
 */
function isProbe(policy: PortPolicyEntry, request: RequestFacts): boolean {
  if (request.absoluteForm) return false;
  const { method } = request;
  if (method === 'GET' || method === 'HEAD') return policy.probePaths.has(request.target);
  return policy.grpcProbe && request.isGrpc && method === 'POST' && request.target === GRPC_HEALTH_CHECK;
}
