import type { Subscription } from './subscription.ts';

/** What one proxy has, beside what it should have. */
export interface SessionReport {
  namespace: string;
  pod: string;
  /** TLS identity that it has proved. */
  identity: string;
  /** Remote address and port of its connection. */
  address: string;
  proxyVersion: string;
  /** Of the contract, the newest that it knows. */
  revision: number;
  connectedMs: number;
  /** Since its last acknowledgement on this connection; `null`: there was none. */
  acknowledgedMs: number | null;
  /** How many resources it has asked for, or was given unasked. */
  subscribed: number;
  resources: readonly ResourceReport[];
}

export interface ResourceReport {
  key: string;
  /** What the proxy has acknowledged, or said that it holds; empty = nothing. */
  held: string;
  /** What it should have; empty = nothing is compiled yet. */
  wanted: string;
  /** JSON of that; empty = nothing. */
  wantedText: string;
  /**
   * `sent`: the newest is on its way. `waiting`: it goes with the next batch. `withheld`: this replica has seen less than another one that the proxy was told by.
   * `refused`: the proxy keeps what it has, and says why.
   */
  state: 'current' | 'sent' | 'waiting' | 'withheld' | 'refused';
  /** Since when it has not been current; 0: it is. */
  behindMs: number;
  problems: readonly string[];
}

/** @param sinceMs monotonic time since when the proxy has not had the newest; 0: it has */
export function reportOf<S>(
  subscription: Subscription<S>,
  isSent: boolean,
  sinceMs: number,
  nowMs: number,
): ResourceReport {
  const { keyText, audience, heldVersion, rejectedVersion, withheldSinceMs, problems } = subscription;
  const { compiled } = audience.resource;
  const wanted = compiled?.version ?? '';
  const isCurrent = wanted === '' || wanted === heldVersion;
  const isRefused = !isCurrent && wanted === rejectedVersion;
  const state = isCurrent
    ? 'current'
    : isRefused
      ? 'refused'
      : isSent
        ? 'sent'
        : withheldSinceMs > 0
          ? 'withheld'
          : 'waiting';
  return {
    key: keyText,
    held: heldVersion,
    wanted,
    wantedText: compiled?.text ?? '',
    state,
    behindMs: isCurrent || sinceMs === 0 ? 0 : Math.max(0, nowMs - sinceMs),
    problems: isRefused ? [...problems] : [],
  };
}
