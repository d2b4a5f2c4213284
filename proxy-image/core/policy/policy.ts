import type { InboundProtocol } from '../../contract/policy/protocol.ts';
import type { ObjectLabel } from '../../contract/resources.ts';
import type { CompiledNetwork } from '../net/cidr.ts';
import type { RouteTable } from '../route/table.ts';

export type PolicyReason =
  /** Allowed: plaintext from the pod itself. */
  | 'loopback'
  | 'authorized'
  | 'probe'
  | 'audit'
  /** Denied: nothing is authorized on this Server. */
  | 'no_authorizations'
  /** Denied: no authorization covers the client's address. */
  | 'network_not_authorized'
  /** Denied: an authorization covers the address but wants TLS. */
  | 'tls_required'
  /** Denied: … but wants an identity and the client has none. */
  | 'identity_required'
  /** Denied: … but not for this client's identity. */
  | 'identity_not_authorized';

/** One of a fixed set per policy, made when the policy is compiled: a decision allocates nothing and can be compared by reference. */
export interface PolicyDecision {
  readonly allowed: boolean;
  readonly reason: PolicyReason;
  readonly server: ObjectLabel;
  /** What authorized the client; `null` when denied. */
  readonly authorization: ObjectLabel | null;
}

export interface CompiledAuthorization {
  readonly networks: readonly CompiledNetwork[];
  /** 0 anybody, 1 any TLS, 2 one of the identities. */
  readonly needs: 0 | 1 | 2;
  readonly anyIdentity: boolean;
  readonly identities: ReadonlySet<string>;
  /** With their leading dot: `*.ns.example` is kept as `.ns.example`. */
  readonly suffixes: readonly string[];
  readonly decision: PolicyDecision;
}

export interface PortPolicyEntry {
  readonly port: number;
  readonly server: ObjectLabel;
  /** Effective protocol: `opaque` also where the port is in the workload's opaque ranges. */
  readonly protocol: InboundProtocol;
  readonly authorizations: readonly CompiledAuthorization[];
  readonly audit: boolean;
  readonly probePaths: ReadonlySet<string>;
  readonly grpcProbe: boolean;
  /** Some request to this port may be a probe: only then is it worth asking which. */
  readonly hasProbes: boolean;
  /** Routes for `route_*` metrics and response classes; the empty table where no profile applies. */
  readonly routes: RouteTable;
  readonly decisions: {
    readonly loopback: PolicyDecision;
    readonly probe: PolicyDecision;
    readonly audit: PolicyDecision;
    readonly denied: Readonly<Record<DenyReason, PolicyDecision>>;
  };
}

export type DenyReason =
  | 'no_authorizations'
  | 'network_not_authorized'
  | 'tls_required'
  | 'identity_required'
  | 'identity_not_authorized';
