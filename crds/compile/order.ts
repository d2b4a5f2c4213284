import type { ObjectMeta } from '../types/models.ts';

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

/** Decimal texts of any length; text that is no number (or empty) is older than every number. */
export function compareRevisions(a: string, b: string): number {
  const left = isDecimal(a) ? a.replace(/^0+/, '') : '';
  const right = isDecimal(b) ? b.replace(/^0+/, '') : '';
  return left.length - right.length || compareText(left, right);
}

export function newestRevision(a: string, b: string): string {
  return compareRevisions(a, b) >= 0 ? a : b;
}

function isDecimal(text: string): boolean {
  return /^[0-9]+$/.test(text);
}
