import { type Condition, condition, type WantedCondition } from './condition.ts';

/** How far the proxies of one operator are with what one object took part in. */
export interface Programmed {
  /** Proxies that hold, or shall hold, something made from the object. */
  proxies: number;
  /** Those that acknowledged the present state of it. */
  current: number;
  /** `<namespace>/<pod>` of the others, sorted; at most `MAX_NAMED`. */
  behind: readonly string[];
  /** Monotonic milliseconds since when the longest of them is behind; 0 when none is. */
  sinceMs: number;
  /** What proxies refused, at most `MAX_NAMED`. */
  rejections: readonly { proxy: string; key: string; problems: readonly string[] }[];
}

/** … and whether that is all of them. */
export interface Progress extends Programmed {
  /** Why there may be proxies that are not counted here, as a sentence; empty when all are. */
  unseen: string;
}

/** A proxy that answers does so in milliseconds; one that did not for so long is stuck, or gone without a word. */
export const ACKNOWLEDGE_WITHIN_MS = 30_000;
/** A status names so many proxies; the rest is a number. */
export const MAX_NAMED = 5;

export interface ProgrammedResult {
  /** null: keep what the object says now, a verdict is due later. */
  condition: WantedCondition | null;
  /** When to look again; 0 = when something changes. */
  againInMs: number;
}

/** How many proxies are current, for `status.proxies`: a number only where every proxy is counted. */
export function proxyShare({ current, proxies, unseen }: Pick<Progress, 'current' | 'proxies' | 'unseen'>): string {
  return unseen === '' ? `${current}/${proxies}` : 'unknown';
}

/** The condition `Programmed`; readiness never waits for it. What one proxy has refused or not answered is true whatever the others do. */
export function programmed(progress: Progress, nowMs: number, present: Condition | null): ProgrammedResult {
  const { proxies, current, rejections, unseen } = progress;
  const share = shareText(progress);
  if (rejections.length > 0) return final('False', 'Rejected', `${share}; ${rejectionText(progress)}`);
  if (current >= proxies) return settled(progress, share);
  const leftMs = progress.sinceMs + ACKNOWLEDGE_WITHIN_MS - nowMs;
  if (leftMs <= 0) return final('False', 'NotAcknowledged', `${share}; waiting for ${names(progress)}`);
  if (unseen !== '') return { condition: notVisible(unseen), againInMs: leftMs };
  const pending = condition('Programmed', 'Unknown', 'Pending', 'proxies have not acknowledged it yet');
  return { condition: present === null ? pending : null, againInMs: leftMs };
}

/** Nobody that is seen here is behind. */
function settled({ proxies, unseen }: Progress, share: string): ProgrammedResult {
  if (unseen !== '') return { condition: notVisible(unseen), againInMs: 0 };
  if (proxies === 0) return final('True', 'NoSubscribers', 'no connected proxy needs it');
  return final('True', 'Acknowledged', share);
}

function notVisible(unseen: string): WantedCondition {
  return condition('Programmed', 'Unknown', 'ProxiesNotVisible', unseen);
}

function shareText({ current, proxies, unseen }: Progress): string {
  return `${current}/${proxies} proxies ${unseen === '' ? '' : 'of this operator replica '}run with it`;
}

function final(status: 'True' | 'False', reason: string, message: string): ProgrammedResult {
  return { condition: condition('Programmed', status, reason, message), againInMs: 0 };
}

function names({ behind, proxies, current }: Progress): string {
  const more = proxies - current - Math.min(behind.length, MAX_NAMED);
  return behind.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function rejectionText({ rejections }: Progress): string {
  const first = rejections
    .slice(0, MAX_NAMED)
    .map(({ proxy, key, problems }) => `${proxy} refused ${key} (${problems[0] ?? 'no reason'})`);
  return first.join(', ');
}
