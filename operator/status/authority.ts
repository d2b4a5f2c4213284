import { toSeconds } from './condition.ts';

const AUTHORITY_NAMES = ['anchor', 'issuer', 'webhook-ca'] as const;
export type AuthorityName = (typeof AUTHORITY_NAMES)[number];

/** A certificate authority as status, metrics and Events tell of it. Times in milliseconds since the epoch. */
export interface HeldAuthority {
  name: AuthorityName;
  /** Where it is kept: a Secret, unless `kind` says otherwise. */
  secret: string;
  kind?: 'Secret' | 'ConfigMap';
  notAfterMs: number;
  /** When the operator replaces it; `null` where somebody else has to. */
  renewAtMs: number | null;
  /** From then on its end is something to act upon. */
  warnAtMs: number;
}

/** What is to be done about its end. The same at any time, so that repeated Events are counted instead of piling up. */
export function expiryNote({ name, secret, kind = 'Secret', notAfterMs, renewAtMs }: HeldAuthority): string {
  const end = `the ${name} in ${kind} ${secret} ends at ${toSeconds(notAfterMs)}`;
  if (renewAtMs === null) return `${end}; the operator did not make it and does not renew it: whoever keeps it has to`;
  return `${end} and was due for renewal at ${toSeconds(renewAtMs)}`;
}
