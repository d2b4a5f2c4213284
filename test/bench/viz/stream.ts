/**
 * What live numbers cost one replica with everything that they come by, with the flags of the image:
 * node --expose-gc --max-semi-space-size=4 test/bench/viz/stream.ts [--proxies 2000] [--series 40] [--seconds 60] [--workloads 500]
 *
 * This process is the operator's side: the server of the configuration stream over TLS, a cluster of so many pods behind it, role `viz`. Another plays the proxies:
 * a connection each with a certificate of its own workload, a hello, and a report whenever it is asked for one, every 10 s of real time. CPU is that of this process
 * while reports come, after all have connected and reported once; memory is all of it. A counter takes cells for the whole window when it first counts, so that memory
 * grows little with the minutes: by those that seldom do. Then the questions of `stat` and `edges` are asked, while reports go on.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BY, type Dimension } from '../../../crds/viz/dimensions.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { createConfigServer } from '../../../operator/serve/server.ts';
import { LiveTraffic } from '../../../operator/viz/live-traffic.ts';
import { TestTls } from '../../integration/serve/serve-bench.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { pod, TestCluster } from '../../support/models.ts';
import { REPORT_MS } from './rounds.ts';
import { reporterOf } from './simulated-proxy.ts';
import type { Simulation } from './stream-proxies.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const CONNECT_MS = 180_000;
const TIMES = 9;

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '2000' },
    series: { type: 'string', default: '40' },
    seconds: { type: 'string', default: '60' },
    workloads: { type: 'string', default: '500' },
  },
});
const proxies = Number(values.proxies);
const workloads = Number(values.workloads);

function residentMib(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / MIB);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function cluster(): TestCluster {
  const all = new TestCluster();
  for (let at = 0; at < proxies; at++) {
    const { namespace, kind, name, pod: podName } = reporterOf(at, workloads);
    const ip = `10.${Math.floor(at / 65_536)}.${Math.floor(at / 256) % 256}.${at % 256}`;
    const own = pod(podName, ip, { serviceAccount: name, owner: { kind, name } });
    all.apply('Pod', { ...own, meta: { ...own.meta, namespace } });
  }
  return all;
}

/** Median milliseconds of `run`, with time for reports between. */
async function timed(run: () => unknown): Promise<string> {
  const times: number[] = [];
  for (let turn = 0; turn < TIMES; turn++) {
    const startMs = performance.now();
    run();
    times.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  times.sort((a, b) => a - b);
  return `${times[Math.floor(TIMES / 2)]!.toFixed(0)} ms, longest ${times.at(-1)!.toFixed(0)} ms`;
}

async function ask(live: LiveTraffic): Promise<void> {
  const inbound = { direction: 'inbound', counted: 'requests' };
  const questions: [string, readonly Dimension[], object, number][] = [
    ['stat, 1 min', BY.workload, inbound, MINUTE_MS],
    ['stat, 10 min', BY.workload, inbound, 10 * MINUTE_MS],
    ['edges', BY.edge, { counted: 'connections' }, MINUTE_MS],
  ];
  for (const [name, by, where, lastMs] of questions) {
    const groups = live.query({ by, where, lastMs }).length;
    console.log(`${name.padEnd(14)} ${await timed(() => live.query({ by, where, lastMs }))}, ${groups} groups`);
  }
}

/** Says every minute what memory is taken, garbage and all. */
async function lasting(ms: number): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= MINUTE_MS) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, MINUTE_MS)));
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
    const [all, ...parts] = [rss, heapTotal, heapUsed, external].map((bytes) => Math.round(bytes / MIB));
    console.log(`               ${all} MiB: heap ${parts[0]}, of which used ${parts[1]}; outside of it ${parts[2]}`);
  }
}

async function main(): Promise<void> {
  const startMib = residentMib();
  let taken = 0;
  let others = 0;
  const live = new LiveTraffic({
    clock: systemClock,
    observer: {
      reported: (_, outcome, leftOut) => {
        if (outcome === 'taken' && leftOut.length === 0) taken += 1;
        else others += 1;
      },
    },
  });
  await live.start();
  const authority = createTestAuthority();
  const { state } = cluster();
  const tls = new TestTls(authority);
  const server = createConfigServer({ state, tls, clock: systemClock, log: silentLog, reports: live });
  const port = await server.listen(0, '127.0.0.1');
  state.applyTrust({ anchorsPem: authority.anchorsPem, resourceVersion: '1' });
  server.storesSynced();
  const identities = Array.from({ length: workloads }, (_, at) => reporterOf(at, workloads).identity);
  const leaves = identities.map((identity) => createLeaf(authority, identity));
  const clusterMib = residentMib();
  const simulation: Simulation = {
    port,
    proxies,
    workloads,
    series: Number(values.series),
    anchorsPem: authority.anchorsPem,
    leaves: leaves.map(({ keyPem, chainPem }) => ({ keyPem, chainPem })),
  };
  const child = spawn(process.execPath, [join(import.meta.dirname, 'stream-proxies.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.send(simulation);
  await eventually('all are connected', () => server.connections().connected === proxies, CONNECT_MS);
  const first = taken;
  await eventually('all have reported', () => taken >= first + proxies, CONNECT_MS);
  const before = { cpuMs: cpuMs(), taken, ms: performance.now() };
  await lasting(Number(values.seconds) * 1_000);
  const overMs = performance.now() - before.ms;
  const core = (cpuMs() - before.cpuMs) / overMs;
  const reports = taken - before.taken;
  const { series, bytes, overflowed } = live.figures();
  console.log(
    `${proxies} proxies, ${series} series, every ${REPORT_MS / 1_000} s, ${reports} reports in ${(overMs / 1_000).toFixed(0)} s`,
  );
  console.log(`CPU            ${core.toFixed(3)} core, ${((core * overMs * 1_000) / reports).toFixed(0)} µs a report`);
  console.log(
    `memory         ${residentMib()} MiB; ${clusterMib} with the cluster and no proxy, ${startMib} at the start`,
  );
  console.log(
    `the window     ${Math.round(bytes / MIB)} MiB; ${overflowed} times no room, ${others} reports did not count whole`,
  );
  await ask(live);
  child.kill();
  await live.stop();
  await server.close();
}

await main();
