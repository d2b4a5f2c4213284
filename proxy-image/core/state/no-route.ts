import { DEFAULT_ROUTE } from '../../contract/policy/meta.ts';
import { NO_TIMEOUTS } from '../../contract/policy/timeouts.ts';
import { NO_ROUTE } from '../route/profile.ts';
import { compileSplit } from '../split/split.ts';
import type { DistributionEntry, OutboundRouteEntry } from './entries.ts';

/** Gives nobody anything: it is answered 500. */
export const NOWHERE: DistributionEntry = {
  only: null,
  shares: [],
  split: compileSplit([]),
  isFiltered: false,
  hashKey: null,
};

/** Of requests for a pod or an address, of which no Service says anything. */
export const NO_OUTBOUND_ROUTE: OutboundRouteEntry = {
  ...NO_ROUTE,
  direction: 'outbound',
  policy: {
    origin: DEFAULT_ROUTE,
    filters: [],
    distribution: NOWHERE,
    retry: null,
    timeouts: NO_TIMEOUTS,
    series: null,
  },
};
