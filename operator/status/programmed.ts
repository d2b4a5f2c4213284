import type { ObjectRef } from '../../crds/state/object-ref.ts';
import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import { type Condition, condition, type WantedCondition } from './condition.ts';
import { sooner } from './pace.ts';

/** How far proxies are with what one object took part in. */
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
  /** For so long that may be for a moment only, and what the object says now stays; 0: it is to be said. */
  patienceMs: number;
}

export interface ProgressSource {
  /** @param meta of the object as it was looked at */
  progress(object: ObjectRef, meta: ObjectMeta): Progress;
  /** The object is gone. */
  forget(object: ObjectRef): void;
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

/** How many proxies are current, for `status.proxies`: a number only where every proxy is counted. `null`: what stands there now stays. */
export function proxyShare(progress: Omit<Progress, 'behind' | 'sinceMs' | 'rejections'>): string | null {
  const { current, proxies, unseen, patienceMs } = progress;
  if (unseen === '') return `${current}/${proxies}`;
  return patienceMs > 0 ? null : UNKNOWN_SHARE;
}

export const UNKNOWN_SHARE = 'unknown';

/** The condition `Programmed`; readiness never waits for it. What one proxy has refused or not answered is true whatever the others do. */
export function programmed(progress: Progress, nowMs: number, present: Condition | null): ProgrammedResult {
  const { proxies, current, rejections, unseen, patienceMs } = progress;
  const share = shareText(progress);
  if (rejections.length > 0) return final('False', 'Rejected', `${share}; ${rejectionText(progress)}`);
  const isBehind = current < proxies;
  const leftMs = isBehind ? progress.sinceMs + ACKNOWLEDGE_WITHIN_MS - nowMs : 0;
  if (isBehind && leftMs <= 0) return final('False', 'NotAcknowledged', `${share}; waiting for ${names(progress)}`);
  if (unseen !== '' && patienceMs <= 0) return { condition: notVisible(unseen), againInMs: leftMs };
  if (unseen === '' && !isBehind) return settled(proxies, share);
  const pending = condition('Programmed', 'Unknown', 'Pending', 'proxies have not acknowledged it yet');
  return { condition: present === null ? pending : null, againInMs: sooner(leftMs, patienceMs) };
}

function settled(proxies: number, share: string): ProgrammedResult {
  if (proxies === 0) return final('True', 'NoSubscribers', 'no connected proxy needs it');
  return final('True', 'Acknowledged', share);
}

function notVisible(unseen: string): WantedCondition {
  return condition('Programmed', 'Unknown', 'ProxiesNotVisible', unseen);
}

function shareText({ current, proxies, unseen }: Progress): string {
  return `${current}/${proxies} proxies ${unseen === '' ? '' : 'of the operator replicas that report '}run with it`;
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
