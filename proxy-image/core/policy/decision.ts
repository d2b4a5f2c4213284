import type { Filter } from '../../contract/policy/filter.ts';
import type { Meta } from '../../contract/policy/meta.ts';
import type { ObjectLabel } from '../../contract/resources.ts';
import type { CompiledNetwork } from '../net/cidr.ts';
import type { SeriesHolder } from '../series.ts';

export type DenyReason =
  /** Nothing is authorized on this Server. */
  | 'no_authorizations'
  /** No authorization covers the client's address. */
  | 'network_not_authorized'
  /** An authorization covers the address but wants TLS. */
  | 'tls_required'
  /** … but wants an identity and the client has none. */
  | 'identity_required'
  /** … but not for this client's identity. */
  | 'identity_not_authorized'
  /** The rule that decides is of a kind that this proxy does not know. */
  | 'rule_not_understood';

export type PolicyReason =
  /** Allowed: plaintext from the pod itself. */
  | 'loopback'
  | 'authorized'
  | 'probe'
  | 'audit'
  /** Routes are attached to the Server, and none of them matches. */
  | 'no_route'
  | DenyReason;

/** One of a fixed set per policy, made when the policy is compiled: a decision allocates nothing and can be compared by reference. */
export interface PolicyDecision {
  readonly allowed: boolean;
  readonly reason: PolicyReason;
  readonly server: ObjectLabel;
  /** What authorized the client; `null` when denied. */
  readonly authorization: ObjectLabel | null;
  /** Becomes the `route_*` labels of inbound families. */
  readonly route: ObjectLabel;
  /** What else the rule that decided says; `null` where none did. */
  readonly rule: RuleFacts | null;
}

/** The part of a rule that outlives the judgement. */
export interface RuleFacts {
  readonly meta: Meta;
  readonly filters: readonly Filter[];
  /** Of what it lets in. */
  readonly series: SeriesHolder;
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

/** Who may: of a port, or of one rule. Any of the authorizations is enough. */
export interface Gate {
  readonly authorizations: readonly CompiledAuthorization[];
  readonly audit: boolean;
  readonly decisions: {
    readonly loopback: PolicyDecision;
    readonly audit: PolicyDecision;
    readonly denied: Readonly<Record<DenyReason, PolicyDecision>>;
  };
  /** Why nobody may, whoever asks; `null` = `authorizations` decide. */
  readonly closed: PolicyDecision | null;
}
