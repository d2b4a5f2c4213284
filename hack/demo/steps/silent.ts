import { applyFaults, BULK_URL, CALLER, noFailure, STRANGER } from '../faults.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { control, type Generator, LoadControl } from '../traffic.ts';

const COUNT = 2_000;
const RENEW_MS = 9_000;
const RUN_MS = 60_000;
const RPS = 100;

/** Connections from `silent` that say nothing, while `fresh` sends requests on a new connection each. */
async function beside(what: string, silent: Generator, fresh: Generator): Promise<Check[]> {
  const load = new LoadControl(what, fresh);
  const target = { host: 'bulk.faults.svc.cluster.local', port: 80 };
  await control('/silent', { name: what, ...target, count: COUNT, renewMs: RENEW_MS }, silent);
  await sleep(2_000);
  await load.start({ url: `${BULK_URL}/`, rps: RPS, phase: what, fresh: true });
  await sleep(RUN_MS);
  const report = await load.stop();
  const held = await control<{ opened: number; open: number }>('/held', { name: what, stop: true }, silent);
  const wanted = COUNT * Math.floor(RUN_MS / RENEW_MS);
  return [
    noFailure(`fresh requests beside silent connections, ${what}`, report, 0.95 * RPS * (RUN_MS / 1000)),
    check(`silent connections opened, ${what}`, `${wanted} or more`, held.opened, held.opened >= wanted),
  ];
}

export const silent: Step = {
  id: 'silent',
  title: '2,000 connections that say nothing, renewed every 9 s for a minute, in and out',
  commands: [
    'kubectl apply -f samples/faults/faults.yaml',
    '…/silent count=2000 renewMs=9000 (samples/faults/README.md)',
  ],
  async run() {
    await applyFaults();
    return [
      ...(await beside('inbound, from a stranger, requests of a stranger', STRANGER, STRANGER)),
      ...(await beside('inbound, from a stranger, requests over mTLS', STRANGER, CALLER)),
      ...(await beside('outbound, of the application itself', CALLER, CALLER)),
    ];
  },
};
