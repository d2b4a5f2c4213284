import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { Bench } from '../bench.ts';
import { SMALL_PATH } from '../contenders/backend.ts';
import type { DeployOptions } from '../contenders/deployment.ts';
import { WeftDeployer } from '../contenders/weft/deployer.ts';
import { requirePrograms } from '../host/prerequisites.ts';
import { againInPrivateNetwork, insidePrivateNetwork, raiseLoopback } from '../host/private-network.ts';
import { isRoot } from '../host/programs.ts';
import { http2Loop } from '../load/h2load.ts';
import { readOptions } from '../options.ts';
import { type LoadOnce, loadPages } from '../rows/closed-loop.ts';
import { enter, leave } from '../rows/interleave.ts';
import { framesOf, type PlaceOf, readProfile, selfTimes } from './profile.ts';
import { BundleSources } from './sources.ts';
import { flameSvg } from './svg.ts';

interface Kind {
  deploy: DeployOptions;
  load: LoadOnce;
  program: 'wrk' | 'h2load';
}

const loadStreams: LoadOnce = (bench, { site, deployment }, durationMs) =>
  http2Loop(bench, site, deployment, { connections: 8, streams: 16, path: SMALL_PATH }, durationMs);

/** As the rows P1, P2 and P3 have them. */
const KINDS: Readonly<Record<string, Kind>> = {
  h1: { deploy: { shape: 'outbound' }, load: loadPages, program: 'wrk' },
  inbound: { deploy: { shape: 'inbound' }, load: loadPages, program: 'wrk' },
  pair: { deploy: { shape: 'pair' }, load: loadPages, program: 'wrk' },
  h2: { deploy: { shape: 'outbound', carried: 'http2' }, load: loadStreams, program: 'h2load' },
};

const SHOWN_FUNCTIONS = 15;

interface FlameOptions {
  load: string;
  seconds: number;
  output: string;
}

function readFlameOptions(argv: readonly string[]): FlameOptions {
  const seconds = (text: string) => {
    if (/^[1-9][0-9]{0,2}$/.test(text)) return Number(text);
    throw new InvalidArgumentError('expected whole seconds, at least 1');
  };
  const command = new Command('make flame')
    .description('Records where the proxy spends its time under load, and draws it; see docs/performance.md.')
    .addOption(new Option('--load <kind>', 'what it carries').choices(Object.keys(KINDS)).default('h1'))
    .option('--seconds <n>', 'of load', seconds, 10)
    .option('--output <folder>', 'where flame-*.svg and *.cpuprofile are written', 'build')
    .exitOverride();
  return command.parse(argv, { from: 'user' }).opts<FlameOptions>();
}

async function record({ load: name, seconds, output }: FlameOptions): Promise<void> {
  const kind = KINDS[name]!;
  const bench = new Bench(readOptions([]), isRoot ? 'namespaces' : 'loopback', (text) => console.error(text));
  const stop = () => void bench.close().finally(() => process.exit(130));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const deployer = new WeftDeployer(bench, { profiled: true });
    const entry = await enter(bench, deployer, kind.deploy);
    bench.say(`${name}: ${seconds} s of load`);
    const { requestsPerSecond } = await kind.load(bench, entry, seconds * 1000);
    console.log(`${requestsPerSecond.toFixed(0)} requests/s while it was profiled`);
    await leave(bench, [entry]);
    mkdirSync(output, { recursive: true });
    const placeOf = placesIn(deployer.shipped.directory);
    for (const [side, path] of Object.entries(deployer.profiles)) draw({ name, side, output }, path, placeOf);
  } finally {
    await bench.close();
  }
}

/** Names source files instead of lines of the bundle. */
function placesIn(directory: string): PlaceOf {
  const files = new Map<string, BundleSources>();
  return (file, line) => {
    const path = join(directory, file);
    if (!existsSync(path)) return file;
    const sources = files.get(file) ?? new BundleSources(readFileSync(path, 'utf8'));
    files.set(file, sources);
    return sources.sourceOf(line) ?? `${file}:${line}`;
  };
}

interface Drawing {
  name: string;
  side: string;
  output: string;
}

function draw({ name, side, output }: Drawing, profile: string, placeOf: PlaceOf): void {
  const title = `flame-${name}-${side}`;
  const text = readFileSync(profile, 'utf8');
  const root = framesOf(readProfile(text), placeOf);
  const svg = join(output, `${title}.svg`);
  writeFileSync(join(output, `${title}.cpuprofile`), text);
  writeFileSync(svg, flameSvg(`weft, ${name}, ${side}'s proxy`, root));
  console.log(`${svg}, and the profile beside it for other viewers; most time in itself:`);
  for (const { name: of, place, selfUs } of selfTimes(root).slice(0, SHOWN_FUNCTIONS)) {
    console.log(`${((selfUs / root.totalUs) * 100).toFixed(1).padStart(6)} %  ${of}  ${place}`);
  }
}

async function main(): Promise<number> {
  const options = readFlameOptions(process.argv.slice(2));
  if (insidePrivateNetwork()) {
    raiseLoopback();
  } else {
    const inNamespaces = isRoot ? ['ip', 'nft', 'unshare', 'nsenter'] : [];
    requirePrograms(['setpriv', 'nginx', KINDS[options.load]!.program, ...inNamespaces], (text) => console.error(text));
    if (isRoot) return againInPrivateNetwork();
  }
  await record(options);
  return 0;
}

async function status(): Promise<number> {
  try {
    return await main();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

process.exit(await status());
