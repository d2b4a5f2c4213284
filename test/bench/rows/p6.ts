import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import type { Bench } from '../bench.ts';
import { connectionsTo, type Deployer, type Deployment, listens } from '../contenders/deployment.ts';
import { otherUrls, WeftDeployer } from '../contenders/weft/deployer.ts';
import { forgetPages } from '../contenders/weft/shipped.ts';
import { BEFORE, limit, type Measurement, median, OURS, times } from '../figures.ts';
import { type MemoryCgroup, type MemoryCgroups, openMemoryCgroups } from '../host/cgroup.ts';
import type { Program } from '../host/programs.ts';
import { APP_PORT, type Site } from '../host/site.ts';
import { fixedRate } from '../load/fixed-rate-load.ts';

const MIB = 1024 * 1024;
const RATE = 1_000;
const CONNECTIONS = 16;
const BURST = 1_000;
const ROUTES = 5_000;
const SAMPLE_MS = 500;
/** Among the samples of what is left after the burst: ours before it. */
const IDLE = `${OURS} idle`;
/** Contenders that can be given routes that mean what ours mean. */
const ROUTING: readonly string[] = [OURS, BEFORE, 'haproxy'];

const program = (name: string) => fileURLToPath(new URL(`../load/${name}`, import.meta.url));

/** A contender whose two proxies are each in a cgroup of their own. */
interface Entry {
  name: string;
  site: Site;
  deployment: Deployment;
  groups: MemoryCgroup[];
}

/** Memory as the kubelet counts it; of a pair, the larger one. */
export async function runP6(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const opened = openMemoryCgroups();
  const close = bench.onClose(async () => {
    await bench.programs.stopAll();
    await opened.groups?.remove();
  });
  try {
    return await new MemoryRow(bench, opened.groups).run(deployers);
  } finally {
    await close();
  }
}

class MemoryRow {
  readonly #bench: Bench;
  readonly #cgroups: MemoryCgroups | null;

  constructor(bench: Bench, cgroups: MemoryCgroups | null) {
    this.#bench = bench;
    this.#cgroups = cgroups;
  }

  async run(deployers: readonly Deployer[]): Promise<Measurement[]> {
    const { idleMs, memoryRounds, settleMs } = this.#bench.options.durations;
    const first = await this.#firstOnNode(deployers);
    const idle: Record<string, number[]> = {};
    const loaded: Record<string, number[]> = {};
    let entries: Entry[] = [];
    // When the compiler is at work differs from process to process, and the highest reading with it: the burst is of the last round only.
    for (let round = 0; round < memoryRounds; round++) {
      await this.#leave(entries);
      entries = await this.#enterAll(deployers, 0);
      append(idle, await this.#rest('idle', idleMs, entries));
      append(loaded, await this.#loaded(entries));
    }
    const peaks = await this.#burst(entries);
    const during = this.#read(entries);
    const burst = await this.#rest(`after ${BURST} connections`, settleMs, entries);
    await this.#leave(entries);
    const routes = await this.#routes(deployers.filter(({ name }) => ROUTING.includes(name)));
    const memory = this.#cgroups === null ? 'anonymous memory (no right to make a memory cgroup)' : 'working set';
    const line = { row: 'P6', unit: 'MiB', rival: 'haproxy', bars: [], stretch: null };
    const after = idle[OURS] === undefined ? burst : { ...burst, [IDLE]: idle[OURS] };
    return [
      { ...line, what: `${memory}: idle`, samples: idle, bars: [limit(8)], stretch: limit(4) },
      { ...line, what: `${memory}: idle, first on a node (pages of the runtime charged to it)`, samples: first },
      {
        ...line,
        what: `${memory}: ${RATE} requests/s, mTLS`,
        samples: loaded,
        bars: [limit(12)],
        stretch: limit(8),
      },
      {
        ...line,
        what: `${memory}: ${ROUTES} routes on ${ROUTES / 10} called services, client side`,
        samples: routes,
        bars: [limit(40)],
        stretch: limit(25),
      },
      { ...line, what: `${memory}: right after a burst of ${BURST} mTLS connections`, samples: during },
      {
        ...line,
        what: `${memory}: ${settleMs / 1000} s after that burst`,
        samples: after,
        bars: [limit(30)],
        stretch: times(1.2, IDLE),
      },
      {
        ...line,
        what: 'connections between the proxies at the peak of the burst',
        unit: 'connections',
        rival: null,
        samples: peaks,
      },
    ].filter(({ samples }) => Object.keys(samples).length > 0);
  }

  /** The kernel charges pages of a file to the cgroup that read them first: one proxy of a node pays for the runtime of all. */
  async #firstOnNode(deployers: readonly Deployer[]): Promise<Record<string, number[]>> {
    const ours = deployers.find((deployer) => deployer instanceof WeftDeployer);
    if (ours === undefined || this.#cgroups === null) return {};
    forgetPages(ours.shipped);
    const entry = await this.#enter(ours, 0);
    const samples = await this.#rest('idle, first on a node', this.#bench.options.durations.idleMs, [entry]);
    await this.#leave([entry]);
    return samples;
  }

  async #enterAll(deployers: readonly Deployer[], otherRoutes: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (const deployer of deployers) entries.push(await this.#enter(deployer, otherRoutes));
    return entries;
  }

  async #enter(deployer: Deployer, otherRoutes: number): Promise<Entry> {
    const bench = this.#bench;
    bench.say(`memory: starting ${deployer.name}`);
    const site = await bench.site();
    const log = join(bench.directory, 'backend.log');
    const argv = [process.execPath, program('hold-backend.ts'), site.server.ip, String(APP_PORT), String(BURST)];
    const backend = bench.programs.start('backend', { argv, place: site.server, log });
    await backend.waitUntil(async () => listens(backend.pid, APP_PORT), 5_000);
    const groups =
      this.#cgroups === null ? [] : ['client', 'server'].map((side) => this.#group(`${deployer.name}-${side}`));
    const [client, server] = groups.map(({ path }) => path);
    const cgroups = client === undefined || server === undefined ? undefined : { client, server };
    return {
      name: deployer.name,
      site,
      groups,
      deployment: await deployer.deploy(site, { shape: 'pair', cgroups, otherRoutes }),
    };
  }

  #counter = 0;

  #group(name: string): MemoryCgroup {
    this.#counter += 1;
    return this.#cgroups!.create(`${name}-${this.#counter}`);
  }

  async #leave(entries: readonly Entry[]): Promise<void> {
    for (const { deployment, site } of entries) {
      await deployment.stop();
      await this.#bench.closeSite(site);
    }
    await this.#bench.programs.stopAll();
  }

  async #pause(what: string, durationMs: number): Promise<void> {
    this.#bench.say(`memory: ${what}, ${durationMs / 1000} s`);
    await sleep(durationMs);
  }

  /** A pause, and what there is at its end: the median over its last third, for the kernel charges in advance for each CPU (half a MiB up and down). */
  async #rest(what: string, durationMs: number, entries: readonly Entry[]): Promise<Record<string, number[]>> {
    await this.#pause(what, (2 * durationMs) / 3);
    const samples = new Map(entries.map((entry): [Entry, number[][]] => [entry, []]));
    const endMs = performance.now() + durationMs / 3;
    while (performance.now() < endMs) {
      for (const [entry, sides] of samples) sides.push(mebibytes(entry));
      await sleep(SAMPLE_MS);
    }
    return Object.fromEntries([...samples].map(([{ name }, sides]) => [name, [largerMedian(sides)]]));
  }

  #read(entries: readonly Entry[]): Record<string, number[]> {
    return Object.fromEntries(entries.map((entry) => [entry.name, [Math.max(...mebibytes(entry))]]));
  }

  /** All contenders at once: memory does not depend on who else runs. The highest of the second half counts. */
  async #loaded(entries: readonly Entry[]): Promise<Record<string, number[]>> {
    const { loadedMs } = this.#bench.options.durations;
    this.#bench.say(`memory: ${RATE} requests/s, ${loadedMs / 1000} s`);
    const highest = Object.fromEntries(entries.map(({ name }) => [name, [0]]));
    const startMs = performance.now();
    const sampler = setInterval(() => {
      if (performance.now() - startMs < loadedMs / 2) return;
      for (const entry of entries) highest[entry.name] = [Math.max(...highest[entry.name]!, ...mebibytes(entry))];
    }, SAMPLE_MS);
    const load = { connections: CONNECTIONS, rate: RATE, warmUpMs: 0, durationMs: loadedMs, precise: false };
    await Promise.all(
      entries.map(({ site, deployment }) => fixedRate(this.#bench, site, { ...load, url: `${deployment.url}/1k` })),
    ).finally(() => clearInterval(sampler));
    return highest;
  }

  /** Returns how many connections there were between the proxies at once: requests are held back until all have arrived. */
  async #burst(entries: readonly Entry[]): Promise<Record<string, number[]>> {
    const peaks: Record<string, number[]> = {};
    for (const { name, site, deployment } of entries) {
      this.#bench.say(`memory: ${BURST} connections at once, ${name}`);
      let peak = 0;
      const sampler = setInterval(() => {
        peak = Math.max(peak, connectionsTo(deployment.server!.pid, site.server.ip, PROXY_PORTS.inboundMesh));
      }, SAMPLE_MS / 5);
      const argv = [process.execPath, program('burst.ts'), `${deployment.url}/hold`, String(BURST)];
      const output = await this.#bench.programs
        .run({ argv, place: site.client, timeoutMs: 60_000 })
        .finally(() => clearInterval(sampler));
      if (Number(output) < BURST) throw new Error(`${name}: ${output.trim()} of ${BURST} connections were answered`);
      peaks[name] = [peak];
    }
    return peaks;
  }

  /** Ours holds what the pod has called: every service is called once. HAProxy has all of it in its file. */
  async #routes(deployers: readonly Deployer[]): Promise<Record<string, number[]>> {
    const entries = await this.#enterAll(deployers, ROUTES);
    for (const { name, site } of entries) {
      if (name !== OURS && name !== BEFORE) continue;
      this.#bench.say(`memory: calling ${ROUTES / 10} services`);
      const argv = [process.execPath, program('visit.ts')];
      const input = JSON.stringify(otherUrls(site, ROUTES));
      await this.#bench.programs.run({ argv, place: site.client, input, timeoutMs: 60_000 });
    }
    await this.#pause(`${ROUTES} routes`, this.#bench.options.durations.idleMs);
    const samples = Object.fromEntries(entries.map((entry) => [entry.name, [mebibytes(entry)[0]!]]));
    await this.#leave(entries);
    return samples;
  }
}

function append(all: Record<string, number[]>, found: Record<string, number[]>): void {
  for (const [name, samples] of Object.entries(found)) all[name] = [...(all[name] ?? []), ...samples];
}

/** @param samples each of the client's and the server's proxy */
function largerMedian(samples: readonly number[][]): number {
  return Math.max(...samples[0]!.map((_, side) => median(samples.map((sides) => sides[side]!))));
}

/** Of the client's and the server's proxy. */
function mebibytes({ groups, deployment }: Entry): number[] {
  const programs = [deployment.client, deployment.server].filter((side) => side !== null);
  for (const side of programs) side.assertRunning();
  if (groups.length > 0) return groups.map((group) => group.workingSetBytes() / MIB);
  return programs.map(anonymousMiB);
}

function anonymousMiB({ pid }: Program): number {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}
