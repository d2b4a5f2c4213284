import { type Condition, condition, type WantedCondition } from './condition.ts';

/** How far the proxies are with one object (`operator/serve` gives it). */
export interface Progress {
  proxies: number;
  current: number;
  /** `<namespace>/<pod>` of those behind, a few of them. */
  behind: readonly string[];
  /** Monotonic milliseconds since when the longest of them is behind. */
  sinceMs: number;
  rejections: readonly { proxy: string; key: string; problems: readonly string[] }[];
}

/** A proxy that answers does so in milliseconds; one that did not for so long is stuck, or gone without a word. */
export const ACKNOWLEDGE_WITHIN_MS = 30_000;
/** Proxies named in a message. */
const NAMED = 5;

export interface ProgrammedResult {
  /** null: keep what the object says now, a verdict is due later. */
  condition: WantedCondition | null;
  /** When to look again; 0 = when something changes. */
  againInMs: number;
}

/** The condition `Programmed`; readiness never waits for it. */
export function programmed(progress: Progress, nowMs: number, present: Condition | null): ProgrammedResult {
  const { proxies, current, rejections } = progress;
  const share = `${current}/${proxies} proxies run with it`;
  if (rejections.length > 0) return final('False', 'Rejected', `${share}; ${rejectionText(progress)}`);
  if (proxies === 0) return final('True', 'NoSubscribers', 'no connected proxy needs it');
  if (current >= proxies) return final('True', 'Acknowledged', share);
  const leftMs = progress.sinceMs + ACKNOWLEDGE_WITHIN_MS - nowMs;
  if (leftMs <= 0) return final('False', 'NotAcknowledged', `${share}; waiting for ${names(progress)}`);
  const pending = condition('Programmed', 'Unknown', 'Pending', 'proxies have not acknowledged it yet');
  return { condition: present === null ? pending : null, againInMs: leftMs };
}

function final(status: 'True' | 'False', reason: string, message: string): ProgrammedResult {
  return { condition: condition('Programmed', status, reason, message), againInMs: 0 };
}

function names({ behind, proxies, current }: Progress): string {
  const more = proxies - current - Math.min(behind.length, NAMED);
  return behind.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function rejectionText({ rejections }: Progress): string {
  const first = rejections
    .slice(0, NAMED)
    .map(({ proxy, key, problems }) => `${proxy} refused ${key} (${problems[0] ?? 'no reason'})`);
  return first.join(', ');
}
