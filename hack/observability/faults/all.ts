import { broughtWebhookAuthority, issuerNotRenewed } from './certificates.ts';
import type { Fault } from './fault.ts';
import { forgetfulNetwork } from './network.ts';
import { definitions, impatient, noOperator, noStatus, stolenLease } from './operator.ts';
import { hostNetwork, killedProxy, olderProxy, stoppedProxy } from './proxies.ts';

/** One after the other; what is in one list, side by side: none of them hides or makes what another's alerts tell of. */
export const FAULTS: readonly (readonly Fault[])[] = [
  [killedProxy, hostNetwork, forgetfulNetwork],
  [noOperator],
  [stoppedProxy, definitions, stolenLease],
  [noStatus, issuerNotRenewed],
  [impatient, broughtWebhookAuthority, olderProxy],
];
