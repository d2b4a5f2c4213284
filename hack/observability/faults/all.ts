import { broughtWebhookAuthority, issuerNotRenewed } from './certificates.ts';
import type { Fault } from './fault.ts';
import { forgetfulNetwork } from './network.ts';
import { definitions, impatient, noOperator, noStatus, stolenLease } from './operator.ts';
import { hostNetwork, killedProxy, lateAnnotation, olderProxy, stoppedProxy } from './proxies.ts';

/**
 * One after the other; what is in one list, side by side: none of them hides or makes what another's alerts tell of. What a stopped proxy has not acknowledged, the
 * operator must live to count, and one that loses its lease begins anew; and callers must have been there for a while.
 */
export const FAULTS: readonly (readonly Fault[])[] = [
  [stoppedProxy],
  [killedProxy, hostNetwork, forgetfulNetwork],
  [noOperator],
  [definitions, stolenLease],
  [noStatus, issuerNotRenewed, lateAnnotation],
  [impatient, broughtWebhookAuthority, olderProxy],
];
