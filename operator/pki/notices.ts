import { type AuthorityName, expiryNote, type HeldAuthority } from '../status/authority.ts';
import type { RenewalReport } from './custody.ts';

/** What an Event tells people. */
export interface Notice {
  type: 'Normal' | 'Warning';
  /** CamelCase: `IssuerRenewed`, `AnchorRenewalFailed`, `WebhookAuthorityExpiresSoon` … */
  reason: string;
  action: string;
  note: string;
}

const TITLES: Readonly<Record<AuthorityName, string>> = {
  anchor: 'Anchor',
  issuer: 'Issuer',
  'webhook-ca': 'WebhookAuthority',
};

const OUTCOMES: Readonly<Record<RenewalReport['outcome'], string>> = {
  renewed: 'Renewed',
  retired: 'Retired',
  failed: 'RenewalFailed',
};

export function renewalNotice({ name, outcome, detail }: RenewalReport): Notice {
  const reason = `${TITLES[name]}${OUTCOMES[outcome]}`;
  return { type: outcome === 'failed' ? 'Warning' : 'Normal', reason, action: 'Renew', note: detail };
}

/** Of what others keep, and is no good: `problem` says what and why. */
export function refusalNotice(problem: string): Notice {
  const note = `${problem}; what was read before stays in force: mend it, it is read again within 15 seconds`;
  return { type: 'Warning', reason: 'TrustRefused', action: 'CheckSecrets', note };
}

/** `values`: what was carried out, by the fields that asked for it. */
export function rotationNotice(values: readonly string[]): Notice {
  const note = `carried out: ${values.join(', ')}`;
  return { type: 'Normal', reason: 'RotationDone', action: 'Rotate', note };
}

/** One for every authority whose end is near or past. */
export function expiryNotices(held: readonly HeldAuthority[], nowMs: number): Notice[] {
  return held.filter(({ warnAtMs }) => warnAtMs <= nowMs).map((authority) => expiryNotice(authority, nowMs));
}

function expiryNotice(authority: HeldAuthority, nowMs: number): Notice {
  const reason = `${TITLES[authority.name]}${authority.notAfterMs <= nowMs ? 'Expired' : 'ExpiresSoon'}`;
  return { type: 'Warning', reason, action: 'CheckExpiry', note: expiryNote(authority) };
}

/** Events are kept for an hour; a warning that still holds is told again after a day. */
const REMIND_MS = 24 * 3_600_000;

/** Lets a notice pass once, and again after a day. */
export class Reminders {
  readonly #toldAtMs = new Map<string, number>();

  isNew(notice: Notice, nowMs: number): boolean {
    const key = `${notice.reason} ${notice.note}`;
    const toldMs = this.#toldAtMs.get(key);
    if (toldMs !== undefined && Math.abs(nowMs - toldMs) < REMIND_MS) return false;
    for (const [old, atMs] of this.#toldAtMs) if (Math.abs(nowMs - atMs) >= REMIND_MS) this.#toldAtMs.delete(old);
    this.#toldAtMs.set(key, nowMs);
    return true;
  }
}
