import type { ObjectMeta } from '../types/object-meta.ts';

interface Dated {
  meta: Pick<ObjectMeta, 'creationTimestamp' | 'name' | 'namespace'>;
}

/** Oldest first, then by name: the order in which Linkerd's policy controller and Weft settle every tie. Timestamps of the API server are UTC, so text order is time order. */
export function byAge(a: Dated, b: Dated): number {
  return (
    compareText(a.meta.creationTimestamp, b.meta.creationTimestamp) ||
    compareText(a.meta.name, b.meta.name) ||
    compareText(a.meta.namespace, b.meta.namespace)
  );
}

/** By code unit, not by locale: the same on every machine. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Below this many digits, numbers are exact. */
const EXACT_DIGITS = 15;

/** Decimal texts of any length; text that is no number (or empty) is older than every number. */
export function compareRevisions(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length > EXACT_DIGITS || b.length > EXACT_DIGITS) return compareLong(significant(a), significant(b));
  return decimal(a) - decimal(b);
}

function decimal(text: string): number {
  const value = text === '' ? -1 : Number(text);
  return value >= 0 ? value : -1;
}

function compareLong(a: string, b: string): number {
  return a.length - b.length || compareText(a, b);
}

/** The digits without leading zeros; empty when it is no decimal number. */
function significant(text: string): string {
  return /^[0-9]+$/.test(text) ? text.replace(/^0+/, '') : '';
}

export function newestRevision(a: string, b: string): string {
  return compareRevisions(a, b) >= 0 ? a : b;
}
