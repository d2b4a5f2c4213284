/**
 * What live numbers cost one replica: node --expose-gc test/bench/viz/main.ts [--proxies 2000] [--series 40] [--minutes 12] [--workloads 500]
 *
 * A process of its own plays the proxies, each of which reports every 10 s, through frames as on the wire, until the window is full and all of its slots have
 * been used again. The clock goes with the reports, which come as fast as they are taken. CPU is that of this process for the last minute of that clock: reading a
 * pipe, frames, checks, window and sweeps; TLS is not in it. Memory is all of this process. Then the questions of `stat` and `edges` are asked.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { BY } from '../../../crds/viz/dimensions.ts';
import { mergeParts, partOf } from '../../../operator/viz/window/part.ts';
import type { TrafficStream } from '../../../operator/viz/window/traffic-stream.ts';
import { TrafficWindow } from '../../../operator/viz/window/traffic-window.ts';
import { FRAME_HEADER_BYTES, FrameReader } from '../../../proxy-image/contract/framing.ts';
import { MAX_MESSAGE_BYTES } from '../../../proxy-image/contract/messages.ts';
import { checkTrafficReport } from '../../../proxy-image/contract/traffic/check.ts';
import { REPORT_MS, SLICES } from './rounds.ts';
import { reporterOf } from './simulated-proxy.ts';

const MINUTE_MS = 60_000;
const MIB = 1024 * 1024;
/** Octets before a frame: the number of its proxy. */
const NUMBER_BYTES = 4;
const TIMES = 9;

const { values } = parseArgs({
  options: {
    proxies: { type: 'string', default: '2000' },
    series: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '12' },
    workloads: { type: 'string', default: '500' },
  },
});
const proxies = Number(values.proxies);
const workloads = Number(values.workloads);
const rounds = (Number(values.minutes) * MINUTE_MS) / REPORT_MS;

/** Milliseconds of CPU that this process has used. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function residentMib(): number {
  globalThis.gc?.();
  return Math.round(process.memoryUsage.rss() / MIB);
}

/** The replica, as far as live numbers are concerned. */
class Replica {
  readonly window = new TrafficWindow();
  nowMs = 0;
  longestSweepMs = 0;
  #taken = 0;
  #bytes = 0;
  readonly #measured = { fromCpuMs: 0, taken: 0, bytes: 0 };
  readonly #connections: { stream: TrafficStream; frames: FrameReader }[] = Array.from(
    { length: proxies },
    (_, at) => ({
      stream: this.window.connected(reporterOf(at, workloads)),
      frames: new FrameReader(MAX_MESSAGE_BYTES),
    }),
  );

  receive(proxy: number, frame: Uint8Array): void {
    this.#passTime();
    const { stream, frames } = this.#connections[proxy]!;
    for (const message of frames.push(frame)) {
      const { report, problems } = checkTrafficReport(message);
      if (report === null || problems.length > 0) throw new Error(`a report was refused: ${problems.join(', ')}`);
      const { verdict, undeclared } = stream.take(report, this.nowMs);
      if (verdict !== 'taken' || undeclared > 0) throw new Error(`a report did not count: ${verdict}, ${undeclared}`);
    }
    this.#taken += 1;
    this.#bytes += frame.length;
  }

  /** A second, when a tenth of the proxies have reported. */
  #passTime(): void {
    if (this.#taken === (rounds - MINUTE_MS / REPORT_MS) * proxies) {
      Object.assign(this.#measured, { fromCpuMs: cpuMs(), taken: this.#taken, bytes: this.#bytes });
    }
    const nowMs = Math.floor((this.#taken * SLICES) / proxies) * (REPORT_MS / SLICES);
    if (nowMs === this.nowMs) return;
    this.nowMs = nowMs;
    const startMs = performance.now();
    this.window.sweep(nowMs, Math.ceil(proxies / SLICES));
    this.longestSweepMs = Math.max(this.longestSweepMs, performance.now() - startMs);
  }

  /** Of the last minute. */
  get cost(): { coreShare: number; bytesPerReport: number } {
    const { fromCpuMs, taken, bytes } = this.#measured;
    return {
      coreShare: (cpuMs() - fromCpuMs) / MINUTE_MS,
      bytesPerReport: Math.round((this.#bytes - bytes) / (this.#taken - taken)),
    };
  }
}

/** Hands over each frame of what the simulation writes. */
async function readFrames(from: Readable, each: (proxy: number, frame: Uint8Array) => void): Promise<void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of from as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= NUMBER_BYTES + FRAME_HEADER_BYTES) {
      const start = at + NUMBER_BYTES;
      const end = start + FRAME_HEADER_BYTES + rest.readUInt32BE(start);
      if (end > rest.length) break;
      each(rest.readUInt32BE(at), rest.subarray(start, end));
      at = end;
    }
    rest = rest.subarray(at);
  }
}

function simulation(): ChildProcessByStdio<null, Readable, null> {
  const args = [proxies, Number(values.series), workloads, rounds].map(String);
  return spawn(process.execPath, [join(import.meta.dirname, 'simulate.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Median milliseconds of `run`. */
function timed(run: () => void): number {
  const times = Array.from({ length: TIMES }, () => {
    const startMs = performance.now();
    run();
    return performance.now() - startMs;
  });
  return times.sort((a, b) => a - b)[Math.floor(TIMES / 2)]!;
}

function ask({ window, nowMs }: Replica): void {
  const where = { direction: 'inbound', counted: 'requests' };
  const byWorkload = (lastMs: number) => window.query({ by: BY.workload, where, lastMs }, nowMs);
  const questions = {
    'stat, 1 min': () => byWorkload(MINUTE_MS),
    'stat, 10 min': () => byWorkload(10 * MINUTE_MS),
    edges: () => window.query({ by: BY.edge, where: { counted: 'connections' }, lastMs: MINUTE_MS }, nowMs),
    'stat, merged': () => {
      const part: unknown = JSON.parse(JSON.stringify(partOf('a', BY.workload, byWorkload(MINUTE_MS))));
      return mergeParts(['a'], BY.workload, [part]).groups;
    },
  };
  for (const [name, question] of Object.entries(questions)) {
    console.log(`${name.padEnd(14)} ${timed(question).toFixed(0)} ms, ${question().length} groups`);
  }
}

async function main(): Promise<void> {
  const startMib = residentMib();
  const replica = new Replica();
  await readFrames(simulation().stdout, (proxy, frame) => replica.receive(proxy, frame));
  const { coreShare, bytesPerReport } = replica.cost;
  const { series, texts, overflowed, bytes } = replica.window.figures();
  console.log(`${proxies} proxies, ${series} series, ${rounds} reports each, ${workloads} workloads`);
  console.log(`CPU            ${coreShare.toFixed(3)} core`);
  console.log(`a report       ${bytesPerReport} octets`);
  console.log(`longest sweep  ${replica.longestSweepMs.toFixed(1)} ms`);
  console.log(`memory         ${residentMib()} MiB, of which ${startMib} before it began`);
  console.log(`the window     ${Math.round(bytes / MIB)} MiB, ${Math.round(bytes / series)} octets a series`);
  console.log(`               ${texts} texts, ${overflowed} times no room`);
  ask(replica);
}

await main();
