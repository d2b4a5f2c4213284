/** Names the object that a decision came from; becomes metric labels such as `srv_kind`, `authz_name`. */
export interface ObjectLabel {
  group: string;
  kind: string;
  name: string;
}

export interface NetworkMatch {
  cidr: string;
  except: string[];
}

/**
 * `identities`: exact names, `*` for any, or `*.suffix` which matches on a label boundary (Linkerd: Authorization Policy reference).
 * `tls`: TLS without a verified client identity is enough (`unauthenticatedTLS`).
 */
export type AuthenticationMatch =
  | { type: 'unauthenticated' }
  | { type: 'tls' }
  | { type: 'identities'; identities: string[] };

/** A client is authorized when it is in one of `networks` and meets `authentication` (an AuthorizationPolicy: all of its required authentications). */
export interface Authorization {
  label: ObjectLabel;
  networks: NetworkMatch[];
  authentication: AuthenticationMatch;
}
