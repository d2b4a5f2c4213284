import type { Dimension, Reporter } from '../../../crds/viz/dimensions.ts';
import type { TrafficSum } from '../../../operator/viz/window/traffic-sum.ts';
import type { TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { checkTrafficReport } from '../../../proxy-image/contract/traffic/check.ts';
import type { SeriesLabels } from '../../../proxy-image/contract/traffic/labels.ts';
import { TRAFFIC_VERSION, type TrafficReport } from '../../../proxy-image/contract/traffic/report.ts';

export const SECOND_MS = 1_000;
export const SLOT_MS = 10_000;
/** A time that is well behind the start of the clock, at which a slot begins. */
export const START_MS = 1_000 * SLOT_MS;

export function reporter(name: string, pod = `${name}-1`): Reporter {
  return { namespace: 'shop', kind: 'Deployment', name, pod, identity: `${name}.shop.serviceaccount.identity.local` };
}

export const CALLS_BOOKS: SeriesLabels = {
  direction: 'outbound',
  counted: 'requests',
  tls: 'true',
  serviceNamespace: 'shop',
  serviceName: 'books',
  servicePort: '80',
  routeKind: 'HTTPRoute',
  routeName: 'list',
};

/** As it comes from the wire: checked, and without a problem. */
export function report(fields: Partial<TrafficReport>): TrafficReport {
  const message: TrafficReport = {
    type: 'traffic',
    version: TRAFFIC_VERSION,
    run: 'first',
    seq: 1,
    overMs: 0,
    agoMs: 0,
    declared: [],
    changed: [],
    ...fields,
  };
  const { report: checked, problems } = checkTrafficReport(JSON.parse(JSON.stringify(message)));
  if (checked === null || problems.length > 0) throw new Error(problems.join(', '));
  return checked;
}

/** The one sum of what was counted in the last milliseconds by series with these labels; `null`: nothing was. */
export function total(
  window: TrafficWindow,
  nowMs: number,
  lastMs: number,
  where: Partial<Record<Dimension, string>> = {},
): TrafficSum | null {
  return window.query({ by: [], where, lastMs }, nowMs)[0]?.sum ?? null;
}
