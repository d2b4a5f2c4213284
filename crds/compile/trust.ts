import type { TrustResource } from '../../proxy-image/contract/resources.ts';
import type { ClusterView } from '../state/view.ts';
import type { Unsourced } from './shared/unsourced.ts';

/** `null` until the bundle is known. */
export function compileTrust(view: ClusterView): Unsourced<TrustResource> | null {
  const trust = view.trust();
  return trust === null ? null : { anchorsPem: trust.anchorsPem };
}
