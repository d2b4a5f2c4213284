import { broughtWebhookAuthority, issuerNotRenewed } from './certificates.ts';
import type { Fault } from './fault.ts';
import { forgetfulNetwork } from './network.ts';
import { definitions, impatient, noOperator, noStatus, stolenLease } from './operator.ts';
import { hostNetwork, killedProxy, olderProxy, stoppedProxy } from './proxies.ts';

/**
 * One after the other; what is in one list, side by side: none of them hides or makes what another's alerts tell of. First what needs callers that have been there
 * for a while, and are told of a change to what they call.
 */
export const FAULTS: readonly (readonly Fault[])[] = [
  [stoppedProxy, definitions, stolenLease],
  [killedProxy, hostNetwork, forgetfulNetwork],
  [noOperator],
  [noStatus, issuerNotRenewed],
  [impatient, broughtWebhookAuthority, olderProxy],
];
