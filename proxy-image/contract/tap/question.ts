/** Verb of the control port by which the control plane listens to what passes through one proxy, as long as it keeps the connection. */
export const TAP_VERB = 'tap';

/**
 * What is wanted of the traffic: all that is said must hold. Empty texts, `null` and lists without entries say nothing. Connections that are carried as bytes have no
 * scheme, method, authority or path: where one is wanted, none of them is told.
 */
export interface TapQuestion {
  direction: 'inbound' | 'outbound' | null;
  /** Where a call of the pod goes. Calls to the pod itself are then not wanted. */
  to: TapPeer | null;
  /** Whom a call to the pod comes from. Calls of the pod itself are then not wanted. */
  from: TapPeer | null;
  /** `http` or `https`, in lower case. */
  scheme: string;
  /** As it is written: methods are case-sensitive (RFC 9110 section 9.1). */
  method: string;
  /** `Host` or `:authority` without regard to case, with the port where it is said. */
  authority: string;
  /** What path and query begin with. */
  path: string;
  /** Requests and connections a second that are told of, at most; a second's worth may come at once. */
  maxRps: number;
  /** Of what is wanted, the share that is told of, drawn for each: above 0, to 1. */
  share: number;
  /** Header fields too. */
  headers: boolean;
}

/** The other side of a call. */
export interface TapPeer {
  /** All of these are among the labels of the endpoint (`Endpoint.labels`). A client has none: only its address can be wanted. */
  labels: Record<string, string>;
  /** Its address is one of these. Empty: whatever it is. */
  addresses: string[];
}

export const TAP_LIMITS = {
  /** Linkerd: `--max-rps`. */
  usualRps: 100,
  /** More is read by nobody, and makes work for the control plane. */
  mostRps: 2_000,
  /** Longest text to compare with. */
  textLength: 1_024,
  labels: 16,
  /** Pods of one workload, each with an address of either family. */
  addresses: 2_000,
} as const;
