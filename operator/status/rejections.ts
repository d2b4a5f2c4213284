import { compareText } from '../../crds/state/order.ts';
import { MAX_NAMED, type Programmed } from './programmed.ts';

export type Rejection = Programmed['rejections'][number];

/** Keeps those that a status names: the first by proxy and key, in whatever order and from whomever they come. */
export function noteRejection(kept: Rejection[], rejection: Rejection): void {
  const at = kept.findIndex((each) => compareRejections(rejection, each) < 0);
  if (at < 0 && kept.length >= MAX_NAMED) return;
  kept.splice(at < 0 ? kept.length : at, 0, rejection);
  if (kept.length > MAX_NAMED) kept.pop();
}

function compareRejections(a: Rejection, b: Rejection): number {
  return compareText(a.proxy, b.proxy) || compareText(a.key, b.key);
}
