import { type Check, check } from '../demo/step.ts';
import { failures, LoadControl, type Phase } from '../demo/traffic.ts';
import { NAMESPACE } from './world.ts';

const CALLER = { target: 'deploy/caller', namespace: NAMESPACE };
const HTTP_URL = `http://web.${NAMESPACE}.svc.cluster.local/`;
const GRPC_URL = `grpc://web.${NAMESPACE}.svc.cluster.local:5051`;
/** Of each of the two that must not fail: 200 requests a second in all. */
const RPS = 100;
const CONNECTIONS = 8;
/** Calls that nobody but their caller may repeat (POST). */
export const CALLS_PER_SECOND = 20;

const LOADS = {
  'open connections': {
    control: new LoadControl('kept', CALLER),
    options: { url: HTTP_URL, rps: RPS, connections: CONNECTIONS },
  },
  'new connections': { control: new LoadControl('fresh', CALLER), options: { url: HTTP_URL, rps: RPS, fresh: true } },
  'gRPC calls': { control: new LoadControl('calls', CALLER), options: { url: GRPC_URL, rps: CALLS_PER_SECOND } },
} as const;

export type LoadName = keyof typeof LOADS;
/** So many may fail, and by nothing else (`l5d-proxy-error`). */
export type Tolerated = Partial<Record<LoadName, { most: number; reason: string }>>;
export type Reports = Record<LoadName, Record<string, Phase>>;

const all = Object.entries(LOADS) as [LoadName, (typeof LOADS)[LoadName]][];

export async function startLoads(phase: string): Promise<void> {
  for (const [, { control, options }] of all) await control.start({ ...options, phase });
}

/** What is sent from now on belongs to this phase, whenever it is answered. */
export async function setPhase(phase: string): Promise<void> {
  await Promise.all(all.map(([, { control }]) => control.phase(phase)));
}

async function each(report: (control: LoadControl) => Promise<Record<string, Phase>>): Promise<Reports> {
  const entries = await Promise.all(all.map(async ([name, { control }]) => [name, await report(control)] as const));
  return Object.fromEntries(entries) as Reports;
}

export const stopLoads = (): Promise<Reports> => each((control) => control.stop());

/** When an answer with this value was first seen, in ms of the wall clock. */
export async function firstSeen(phase: string, value: string): Promise<number | null> {
  const reports = await Promise.all(
    [LOADS['open connections'], LOADS['new connections']].map((load) => load.control.report()),
  );
  const times = reports.map((report) => report[phase]?.firstSeenMs[value]).filter((ms) => ms !== undefined);
  return times.length === 0 ? null : Math.min(...times);
}

/** Of one phase: requests that failed. */
export function requestChecks(reports: Reports, phase: string, tolerated: Tolerated): Check[] {
  return all.map(([name]) => {
    const report = reports[name][phase];
    const { most, reason } = tolerated[name] ?? { most: 0, reason: '' };
    if (report === undefined) return check(name, 'sent', 'nothing', false);
    const failed = name === 'gRPC calls' ? failedCalls(report) : failures(report);
    const examples = report.examples.length === 0 ? '' : ` (${report.examples.join('; ')})`;
    const { p50, p99, max } = report.latencyMs;
    const measured = `${failed} failed of ${report.sent}${examples}; ${p50} ms in the middle, p99 ${p99}, longest ${max}`;
    const expected = most === 0 ? 'none failed' : `at most ${most} failed, because ${reason}`;
    const asExpected = report.examples.every((example) => example.includes(reason));
    return check(name, expected, measured, failed <= most && asExpected && report.sent > 0);
  });
}

/** Statuses of gRPC: 0 is success. */
function failedCalls({ sent, statuses }: Phase): number {
  return sent - (statuses['0'] ?? 0);
}
