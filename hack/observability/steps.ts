/** The steps of the demonstration that it has wherever it runs. */
import { sleep } from '../demo/shell.ts';
import { check, type Step } from '../demo/step.ts';
import type { Fault } from './faults/fault.ts';
import { readAlerts } from './files.ts';
import type { Prometheus } from './prometheus.ts';
import { allQueries, cleared, fired, legible, queriesReturnData, timed, uncalledFor } from './proof.ts';
import type { Shorter } from './shortened.ts';
import { calm, UNREST_ALERTS, type Unrest } from './unrest.ts';
import { selections, setRate } from './world.ts';

/** How long is waited for alerts before they count as absent, or as stuck. */
export interface Limits {
  firesMs: number;
  clearsMs: number;
}

/** How the queries are asked. */
export interface Asking {
  title: string;
  /** Before the first query. */
  scrapedMs: number;
  /** A query is not to blame for the moment in which it is asked. */
  dataMs: number;
  /** What Grafana makes of `$__rate_interval`. */
  rateInterval: string;
  /** Null: as shipped. */
  shorter: Shorter | null;
}

const SETTLE_MS = 20_000;

export function dataStep(prometheus: Prometheus, { title, scrapedMs, dataMs, rateInterval, shorter }: Asking): Step {
  return {
    id: 'data',
    title: `${title}every query of every rule, alert and panel returns data`,
    commands: [],
    async run() {
      await sleep(scrapedMs);
      const chosen = await selections();
      return queriesReturnData(prometheus, allQueries(chosen, rateInterval, shorter), chosen, dataMs);
    },
  };
}

/** Alerts on traffic, and others that the unrest provokes. */
export function unrestStep(prometheus: Prometheus, unrest: Unrest, { firesMs, clearsMs }: Limits): Step {
  return {
    id: 'traffic',
    title: 'alerts while requests fail, are slow, denied, lead nowhere; and afterwards',
    commands: [],
    async run() {
      const on = await fired(prometheus, UNREST_ALERTS, firesMs);
      const texts = await legible(prometheus);
      await Promise.all([unrest.stop(), setRate(0)]);
      const off = await cleared(prometheus, UNREST_ALERTS, clearsMs, calm);
      return [...timed('fires', on), texts, ...timed('is cleared', off)];
    },
  };
}

/** What is made is mended, whether its alerts fire or not, and where it could be made only by half. */
export function faultsStep(prometheus: Prometheus, faults: readonly Fault[], { firesMs, clearsMs }: Limits): Step {
  const alerts = faults.flatMap((fault) => fault.alerts);
  return {
    id: 'fault',
    title: faults.map(({ title }) => title).join('; '),
    commands: [],
    async run() {
      const early = await cleared(prometheus, alerts, clearsMs, calm);
      const loud = alerts.filter((alert) => early.get(alert) === null);
      // An alert may be over before the last of the faults is made.
      const firing = fired(prometheus, alerts, firesMs);
      const made = await attempted(faults, (fault) => fault.make());
      const on = await firing;
      const mendedMs = performance.now();
      const mended = await attempted(faults, (fault) => fault.mend());
      const off = await cleared(prometheus, alerts, clearsMs, calm, mendedMs);
      return [
        check('alerts that fire before', 'none', loud.join(', ') || 'none', loud.length === 0),
        check('faults that are made and mended', 'all', made ?? mended ?? 'all', (made ?? mended) === null),
        ...timed('fires', on),
        ...timed('is cleared', off),
      ];
    },
  };
}

/** All of them to their end. Returns what went wrong first, or null. */
async function attempted(faults: readonly Fault[], attempt: (fault: Fault) => Promise<void>): Promise<string | null> {
  const results = await Promise.allSettled(faults.map(attempt));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return null;
  return failed.reason instanceof Error ? failed.reason.message : String(failed.reason);
}

/** At the end nothing is wrong, and nothing fires. */
export function quietStep(prometheus: Prometheus, { clearsMs }: Limits): Step {
  return {
    id: 'end',
    title: 'when all is mended',
    commands: [],
    async run() {
      const names = readAlerts().map(({ alert }) => alert ?? '');
      await cleared(prometheus, names, clearsMs, calm);
      await sleep(SETTLE_MS);
      const left = await uncalledFor(prometheus, []);
      return [check('alerts that fire', 'none', left.join(', ') || 'none', left.length === 0)];
    },
  };
}
