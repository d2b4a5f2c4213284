import { CommanderError } from 'commander';
import ora from 'ora';
import { findPrograms } from '../../hack/apiserver/programs.ts';
import { Bench } from './bench.ts';
import type { Deployer } from './contenders/deployment.ts';
import { RivalDeployer } from './contenders/rivals.ts';
import { WeftDeployer } from './contenders/weft/deployer.ts';
import { againstBefore, figureOf, type Measurement } from './figures.ts';
import { ForeignLoad } from './host/cpu.ts';
import { requireEnvoy } from './host/envoy.ts';
import { NGINX_STREAM, requirePrograms } from './host/prerequisites.ts';
import { againInPrivateNetwork, insidePrivateNetwork, raiseLoopback } from './host/private-network.ts';
import { isRoot } from './host/programs.ts';
import { type NetworkKind, type Options, type Row, readOptions } from './options.ts';
import { formatTable, writeFigures } from './report.ts';
import { runP1 } from './rows/p1.ts';
import { runP2 } from './rows/p2.ts';
import { runP3, runP4 } from './rows/p3-p4.ts';
import { runP5 } from './rows/p5.ts';
import { runP6 } from './rows/p6.ts';
import { runP7 } from './rows/p7.ts';
import { runP8 } from './rows/p8.ts';
import { runP9 } from './rows/p9.ts';
import { runP10 } from './rows/p10.ts';
import { runPropagation } from './rows/propagation.ts';

const RUNS: Readonly<Record<Row, (bench: Bench, deployers: readonly Deployer[]) => Promise<Measurement[]>>> = {
  P1: runP1,
  P2: runP2,
  P3: runP3,
  P4: runP4,
  P5: runP5,
  P6: runP6,
  P7: runP7,
  P8: runP8,
  P9: runP9,
  P10: runP10,
  PROP: runPropagation,
};

/** More than this share of the machine used by others: the figures are shown, with a warning. */
const NOISY_SHARE = 0.1;

/** What needs the network of the machine; afterwards everything runs without it. */
async function prepare(options: Options, network: NetworkKind): Promise<void> {
  const { rows, contenders } = options;
  const say = (text: string) => console.error(text);
  const any = (...of: Row[]) => rows.some((row) => of.includes(row));
  const loads = rows.some((row) => row !== 'PROP');
  const names = [
    'setpriv',
    ...(loads ? ['nginx'] : []),
    ...(loads && contenders.includes('haproxy') ? ['haproxy'] : []),
    ...(any('P1', 'P2', 'P8', 'P10') ? ['wrk'] : []),
    ...(any('P3', 'P4') ? ['h2load'] : []),
    ...(any('P9') && contenders.includes('nginx') ? [NGINX_STREAM] : []),
    ...(network === 'namespaces' ? ['ip', 'nft', 'unshare', 'nsenter'] : []),
  ];
  requirePrograms(names, say);
  if (loads && contenders.includes('envoy')) requireEnvoy(say);
  if (rows.includes('PROP')) await findPrograms(['etcd', 'kube-apiserver', 'kubectl']);
}

function networkOf(options: Options): NetworkKind {
  if (options.network === 'namespaces' && !isRoot)
    throw new Error('network namespaces need root; try --network loopback');
  if (options.network !== 'auto') return options.network;
  return isRoot ? 'namespaces' : 'loopback';
}

/** Rows one after the other. A row that fails is named and counts as missed; the others still run. */
async function measure(options: Options, network: NetworkKind): Promise<boolean> {
  const spinner = ora({ stream: process.stderr });
  const say = (text: string) => {
    if (spinner.isSpinning) spinner.text = text;
  };
  const bench = new Bench(options, network, say);
  const stop = () => void bench.close().finally(() => process.exit(130));
  process.on('SIGINT', stop).on('SIGTERM', stop);
  const measurements: Measurement[] = [];
  let failed = false;
  try {
    const deployers = deployersOf(bench);
    for (const row of options.rows) {
      spinner.start(row);
      try {
        const { found, noise } = await oneRow(bench, row, deployers);
        measurements.push(...found.map(options.contenders.includes('weft') ? againstBefore : withoutBar));
        spinner.succeed(`${row}: done; ${noise}`);
      } catch (error) {
        failed = true;
        await bench.programs.stopAll();
        spinner.fail(`${row}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    spinner.stop();
    await bench.close();
  }
  show(options, network, measurements);
  return !failed && measurements.map(figureOf).every(({ holds }) => holds);
}

function deployersOf(bench: Bench): Deployer[] {
  const { contenders, before } = bench.options;
  const all = contenders.map((name) => (name === 'weft' ? new WeftDeployer(bench) : new RivalDeployer(bench, name)));
  return before === '' ? all : [...all, new WeftDeployer(bench, { commit: before })];
}

/** Nothing of ours takes part: rivals have nothing to hold. */
function withoutBar(measurement: Measurement): Measurement {
  return { ...measurement, bars: [], stretch: null };
}

async function oneRow(
  bench: Bench,
  row: Row,
  deployers: readonly Deployer[],
): Promise<{ found: Measurement[]; noise: string }> {
  const load = new ForeignLoad(() => bench.programs.cpuMs());
  const found = await RUNS[row](bench, deployers);
  const share = load.share();
  const percent = `${Math.round(share * 100)} % of the machine was used by others`;
  return { found, noise: share > NOISY_SHARE ? `${percent}: the figures are worth less` : percent };
}

function show(options: Options, network: NetworkKind, measurements: readonly Measurement[]): void {
  writeFigures(options.output, measurements);
  const where =
    network === 'namespaces'
      ? 'network namespaces joined by veth pairs, nft redirection as in a pod'
      : 'loopback with explicit ports (not root: no redirection, and no inbound cleartext hop of ours)';
  console.log(
    `${where}; ${options.durations.rounds} rounds: median (worst)${options.quick ? '; --quick: no results' : ''}`,
  );
  console.log(formatTable(measurements));
  console.log(`written to ${options.output}`);
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const network = networkOf(options);
  if (insidePrivateNetwork()) {
    raiseLoopback();
  } else {
    await prepare(options, network);
    if (network === 'namespaces') return againInPrivateNetwork();
  }
  return (await measure(options, network)) ? 0 : 1;
}

/** 0 = every bar holds; 1 = not, or something failed. */
async function status(): Promise<number> {
  try {
    return await main();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
}

// A row that failed may have left a socket open, which must not keep the process.
process.exit(await status());
