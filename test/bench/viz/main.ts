/**
 * What live numbers cost one replica: node test/bench/viz/main.ts [--proxies 2000] [--series 40] [--minutes 12] [--workloads 500]
 *
 * Simulated proxies report every 10 s of a clock that is turned by hand, through frames and checks as on the wire, until the window is full and all of its
 * slots have been used again. CPU is that of this process in the last minute, set against the time of that clock; making the reports is not in it. Memory is
 * that of the process. Then the questions of `stat` are asked.
 */
import { parseArgs } from 'node:util';
import { BY } from '../../../operator/viz/window/dimensions.ts';
import { mergeParts, partOf } from '../../../operator/viz/window/part.ts';
import type { TrafficStream } from '../../../operator/viz/window/traffic-stream.ts';
import { TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { FrameReader } from '../../../proxy-image/contract/framing.ts';
import { MAX_MESSAGE_BYTES } from '../../../proxy-image/contract/messages.ts';
import { checkTrafficReport } from '../../../proxy-image/contract/traffic/check.ts';
import { SimulatedProxy } from './simulated-proxy.ts';

const INTERVAL_MS = 10_000;
const MINUTE_MS = 60_000;
/** Well behind the start of the clock. */
const START_MS = 1_000_000;
const MIB = 1024 * 1024;
const ROUNDS = 9;

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '2000' },
    series: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '12' },
    workloads: { type: 'string', default: '500' },
  },
});
const proxyCount = Number(values.proxies);
const seriesCount = Number(values.series);
const workloads = Number(values.workloads);
const minutes = Number(values.minutes);

interface Connected {
  proxy: SimulatedProxy;
  stream: TrafficStream;
  frames: FrameReader;
}

/** Milliseconds of CPU that this process has used. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function residentMib(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / MIB);
}

function receive({ stream, frames }: Connected, bytes: Uint8Array, nowMs: number): void {
  for (const message of frames.push(bytes)) {
    const { report, problems } = checkTrafficReport(message);
    if (report === null || problems.length > 0) throw new Error(`a report was refused: ${problems.join(', ')}`);
    const { verdict, undeclared } = stream.take(report, nowMs);
    if (verdict !== 'taken' || undeclared > 0) throw new Error(`a report did not count: ${verdict}, ${undeclared}`);
  }
}

interface Fed {
  /** Of the last minute. */
  coreShare: number;
  bytesPerReport: number;
  longestSweepMs: number;
}

/** Each proxy reports at its own time of the ten seconds. */
function feed(window: TrafficWindow, connected: readonly Connected[]): Fed {
  const slices = 10;
  const rounds = (minutes * MINUTE_MS) / INTERVAL_MS;
  const lastMinute = rounds - MINUTE_MS / INTERVAL_MS;
  const fed = { usedMs: 0, sentBytes: 0, sent: 0, longestSweepMs: 0 };
  for (let round = 0; round < rounds; round++) {
    for (let slice = 0; slice < slices; slice++) {
      const nowMs = START_MS + round * INTERVAL_MS + (slice * INTERVAL_MS) / slices;
      const mine = connected.filter((_, at) => at % slices === slice);
      const frames = mine.map(({ proxy }) => proxy.report(INTERVAL_MS));
      const beforeMs = cpuMs();
      for (const [at, each] of mine.entries()) receive(each, frames[at]!, nowMs);
      const sweptMs = performance.now();
      window.sweep(nowMs, Math.ceil(connected.length / slices));
      fed.longestSweepMs = Math.max(fed.longestSweepMs, performance.now() - sweptMs);
      if (round < lastMinute) continue;
      fed.usedMs += cpuMs() - beforeMs;
      fed.sentBytes += frames.reduce((sum, frame) => sum + frame.length, 0);
      fed.sent += frames.length;
    }
  }
  return {
    coreShare: fed.usedMs / MINUTE_MS,
    bytesPerReport: Math.round(fed.sentBytes / fed.sent),
    longestSweepMs: fed.longestSweepMs,
  };
}

/** Median milliseconds of `run`. */
function timed(run: () => void): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    run();
    return performance.now() - startMs;
  });
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)]!;
}

function main(): void {
  const baseMib = residentMib();
  const window = new TrafficWindow();
  const connected = Array.from({ length: proxyCount }, (_, at) => {
    const proxy = new SimulatedProxy(at, { series: seriesCount, workloads });
    return { proxy, stream: window.connected(proxy.reporter), frames: new FrameReader(MAX_MESSAGE_BYTES) };
  });
  const simulatedMib = residentMib() - baseMib;
  const fed = feed(window, connected);
  const nowMs = START_MS + minutes * MINUTE_MS;
  const figures = window.figures();
  console.log(`${proxyCount} proxies × ${seriesCount} series, every 10 s, ${minutes} minutes, ${workloads} workloads`);
  console.log(`CPU            ${fed.coreShare.toFixed(3)} core (frames, checks, window, sweeps)`);
  console.log(`a report       ${fed.bytesPerReport} octets`);
  console.log(`longest sweep  ${fed.longestSweepMs.toFixed(1)} ms`);
  console.log(
    `memory         ${residentMib()} MiB resident, of which ${baseMib} at start and ${simulatedMib} simulated proxies`,
  );
  console.log(
    `the window     ${(figures.bytes / MIB).toFixed(0)} MiB: ${figures.series} series, ${Math.round(figures.bytes / figures.series)} octets each; ${figures.texts} texts; ${figures.overflowed} overflowed`,
  );
  const where = { direction: 'inbound', counted: 'requests' };
  const oneMinute = () => window.query({ by: BY.workload, where, lastMs: MINUTE_MS }, nowMs);
  const tenMinutes = () => window.query({ by: BY.workload, where, lastMs: 10 * MINUTE_MS }, nowMs);
  const edges = () => window.query({ by: BY.edge, where: { counted: 'connections' }, lastMs: MINUTE_MS }, nowMs);
  const merged = () => {
    const part: unknown = JSON.parse(JSON.stringify(partOf('a', BY.workload, oneMinute())));
    return mergeParts(['a'], BY.workload, [part]).groups;
  };
  for (const [what, ask] of Object.entries({ oneMinute, tenMinutes, edges, merged })) {
    console.log(`${what.padEnd(14)} ${timed(ask).toFixed(0)} ms, ${ask().length} groups`);
  }
  console.log(`at the end     ${residentMib()} MiB resident`);
}

main();
