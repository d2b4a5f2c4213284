import type { X509Certificate } from 'node:crypto';
import type { RotationPhase, RotationProgress } from '../status/rotation.ts';
import { BACKDATE_MS, MAX_LEAF_LIFETIME_MS, notAfterMsOf } from './authority.ts';
import type { Kept } from './custody.ts';
import { type Lifetimes, OVERLAP_LIVES } from './renewal.ts';
import type { RotationRecord } from './rotation-record.ts';

/** What becomes next of a rotation that a field of the Mesh asks for. Pure: it follows from Secrets, what proxies have, and a time. */

/** What proxies have of the trust that is published; of all replicas. */
export interface ProxiesHold {
  connected: number;
  /** Have acknowledged the bundle. */
  anchors: number;
  /** Have a certificate that will do. */
  leaves: number;
  /** Pods that have a proxy, or should soon, of which no replica has a connection. */
  absent: readonly AbsentPod[];
}

export interface AbsentPod {
  /** `namespace/name`. */
  name: string;
  /** Milliseconds since the epoch. */
  createdMs: number;
}

export interface Standing {
  record: RotationRecord;
  /** `null` where somebody else keeps it. */
  anchor: Kept | null;
  issuer: Kept;
  lifetimes: Lifetimes;
  nowMs: number;
  /** `null`: not known, or of another trust than what stands in the Secrets. */
  proxies: ProxiesHold | null;
}

/** Where it is, and what is to be done about it now. */
export interface RotationStep extends RotationProgress {
  act: 'makeAnchor' | 'makeIssuer' | 'retireAnchors' | 'conclude' | 'wait';
}

/**
 * How long a new anchor waits for proxies that are not connected. They are not cut off by what follows: every chain carries the certificate of the new
 * anchor's key by the old one, which they trust (`createSuccessor`).
 */
export const TRUSTING_BOUND_MS = 10 * 60_000;
/** By then every replica has read what the leader has written: what it injects, and signs, for a pod that is made later is of the new trust. */
const READ_MS = 60_000;
/** Beyond the life of the last certificate below the old issuer: for clocks that differ, and for a replica that went on signing with it. */
const LEAF_MARGIN_MS = BACKDATE_MS + 60_000;

/** When it was made, milliseconds since the epoch, whole seconds. */
export function bornMs(certificate: X509Certificate): number {
  return certificate.validFromDate.getTime() + BACKDATE_MS;
}

/** Whether the issuer is still to be made that the rotation asks for. */
export function mustIssue({ record, anchor, issuer }: Pick<Standing, 'record' | 'anchor' | 'issuer'>): boolean {
  const { certificate } = issuer.authority;
  if (!record.issuer.isDone && bornMs(certificate) < record.issuer.sinceMs) return true;
  return !record.anchor.isDone && anchor !== null && mustMakeOrCross(record, anchor, certificate);
}

function mustMakeOrCross(record: RotationRecord, { authority }: Kept, issuer: X509Certificate): boolean {
  return bornMs(authority.certificate) < record.anchor.sinceMs || !issuer.checkIssued(authority.certificate);
}

/** Anchors from before the rotation of the anchor was asked for, without the present one. */
export function staleAnchors(
  { anchor }: RotationRecord,
  present: X509Certificate,
  anchors: readonly X509Certificate[],
): X509Certificate[] {
  if (anchor.isDone) return [];
  return anchors.filter((one) => one.fingerprint256 !== present.fingerprint256 && bornMs(one) < anchor.sinceMs);
}

/** The step that is next; every step leaves the Secrets such that the one after follows from them, whoever leads then. */
export function nextStep(standing: Standing): RotationStep {
  const { record, anchor, nowMs } = standing;
  const parts = Object.values(record);
  const under = parts.filter(({ isDone }) => !isDone);
  if (under.length === 0) {
    return { ...WAITING, phase: 'Done', act: 'wait', sinceMs: Math.max(...parts.map(({ doneMs }) => doneMs)) };
  }
  const askedMs = Math.max(...under.map(({ sinceMs }) => sinceMs));
  // Times of certificates have whole seconds: what is made in the second of the question would be of before it.
  if (askedMs > nowMs)
    return { ...WAITING, phase: firstPhase(record), sinceMs: askedMs, waits: 'begins within a second' };
  const making = anchor === null ? null : anchorStep(standing, anchor);
  if (making !== null) return making;
  return mustIssue(standing) ? issuerStep(standing) : leafStep(standing);
}

const WAITING: Pick<RotationStep, 'act' | 'holding' | 'waits'> = { act: 'wait', holding: null, waits: '' };

function firstPhase({ anchor, issuer }: RotationRecord): RotationPhase {
  if (!anchor.isDone) return 'Trusting';
  return issuer.isDone ? 'Renewing' : 'Issuing';
}

/** `null`: nothing is to be made. */
function anchorStep({ record }: Standing, { authority, isOurs }: Kept): RotationStep | null {
  const { isDone, sinceMs } = record.anchor;
  if (isDone || bornMs(authority.certificate) >= sinceMs) return null;
  if (!isOurs) {
    return {
      ...WAITING,
      phase: 'Trusting',
      sinceMs,
      waits: 'the anchor is not of the operator: whoever keeps it has to',
    };
  }
  return { ...WAITING, phase: 'Trusting', act: 'makeAnchor', sinceMs };
}

function issuerStep({ record, anchor, issuer, lifetimes, nowMs, proxies }: Standing): RotationStep {
  const crosses = anchor !== null && !issuer.authority.certificate.checkIssued(anchor.authority.certificate);
  const sinceMs = crosses ? bornMs(anchor.authority.certificate) : record.issuer.sinceMs;
  if (!issuer.isOurs) {
    return {
      ...WAITING,
      phase: 'Issuing',
      sinceMs,
      waits: 'the issuer is not of the operator: whoever keeps it has to',
    };
  }
  const goes: RotationStep = { ...WAITING, phase: 'Issuing', act: 'makeIssuer', sinceMs };
  const wanted = olderThan(proxies, sinceMs);
  if (!crosses || (wanted !== null && haveAll(wanted, 'anchors'))) return goes;
  const boundMs = sinceMs + (isVouchedFor(anchor, nowMs) ? TRUSTING_BOUND_MS : OVERLAP_LIVES * leafLifeMs(lifetimes));
  if (nowMs >= boundMs) return goes;
  const missing = missingOf(wanted, 'anchors', 'the new anchor');
  return {
    phase: 'Trusting',
    act: 'wait',
    sinceMs,
    holding: shareOf(proxies, 'anchors'),
    waits: until(missing, boundMs),
  };
}

function leafStep({ record, anchor, issuer, lifetimes, nowMs, proxies }: Standing): RotationStep {
  const isOfIssuer = !record.anchor.isDone || !record.issuer.isDone;
  const issuedMs = isOfIssuer ? bornMs(issuer.authority.certificate) : 0;
  const sinceMs = Math.max(issuedMs, record.leaf.isDone ? 0 : record.leaf.sinceMs);
  const boundMs = sinceMs + leafLifeMs(lifetimes) + LEAF_MARGIN_MS;
  const holding = shareOf(proxies, 'leaves');
  const wanted = olderThan(proxies, sinceMs);
  if (nowMs < boundMs && !(wanted !== null && haveAll(wanted, 'leaves'))) {
    const missing = missingOf(wanted, 'leaves', 'a new certificate');
    return { phase: 'Renewing', act: 'wait', sinceMs, holding, waits: until(missing, boundMs) };
  }
  const stale = anchor === null ? [] : staleAnchors(record, anchor.authority.certificate, trusted(anchor, issuer));
  const act = stale.length > 0 ? 'retireAnchors' : 'conclude';
  return { phase: stale.length > 0 ? 'Retiring' : 'Renewing', act, sinceMs, holding, waits: '' };
}

export function trusted(anchor: Kept, issuer: Kept): readonly X509Certificate[] {
  return [...anchor.authority.anchors, ...issuer.authority.anchors];
}

/** Without the pods that are younger than what they are to have: in a busy cluster there is always one that is just starting. */
function olderThan(proxies: ProxiesHold | null, sinceMs: number): ProxiesHold | null {
  return proxies && { ...proxies, absent: proxies.absent.filter(({ createdMs }) => createdMs < sinceMs + READ_MS) };
}

function leafLifeMs({ certificateLifetimeMs }: Lifetimes): number {
  return Math.min(certificateLifetimeMs, MAX_LEAF_LIFETIME_MS);
}

/** A proxy that knows only an anchor of before can verify what is below the present one. */
function isVouchedFor({ authority }: Kept, nowMs: number): boolean {
  const { chain, certificate } = authority;
  return chain.some((link) => link.publicKey.equals(certificate.publicKey) && notAfterMsOf(link) > nowMs);
}

function haveAll({ connected, absent, ...have }: ProxiesHold, what: 'anchors' | 'leaves'): boolean {
  return have[what] === connected && absent.length === 0;
}

function shareOf(proxies: ProxiesHold | null, what: 'anchors' | 'leaves'): RotationStep['holding'] {
  return proxies && { have: proxies[what], of: proxies.connected };
}

/** So many of those that are waited for are named. */
const MAX_NAMED = 3;

function missingOf(proxies: ProxiesHold | null, what: 'anchors' | 'leaves', title: string): string {
  if (proxies === null) return 'what proxies have is not known yet';
  const { connected, absent } = proxies;
  const behind = connected - proxies[what];
  const parts: string[] = [];
  if (behind > 0) parts.push(`${behind} of ${connected} connected proxies have not taken ${title} yet`);
  if (absent.length > 0) {
    const names = absent.slice(0, MAX_NAMED).map(({ name }) => name);
    if (absent.length > MAX_NAMED) names.push('…');
    parts.push(`proxies of ${absent.length} pods are not connected: ${names.join(', ')}`);
  }
  return parts.join('; ');
}

function until(missing: string, boundMs: number): string {
  return `${missing}; goes on without them at ${new Date(boundMs).toISOString().replace(/\.\d+Z$/, 'Z')}`;
}
