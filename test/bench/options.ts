import { Command, InvalidArgumentError, Option } from 'commander';

export const ROWS = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9', 'P10', 'PROP'] as const;
export type Row = (typeof ROWS)[number];

export const CONTENDERS = ['weft', 'haproxy', 'nginx', 'envoy'] as const;
export type Contender = (typeof CONTENDERS)[number];

export type NetworkKind = 'namespaces' | 'loopback';

/** How long and how often; `--quick` is for trying things out, its figures are no results. */
export interface Durations {
  rounds: number;
  /** Closed-loop load: before and while CPU is counted. */
  warmUpMs: number;
  measureMs: number;
  /** At least so many before the first round, unless they take much longer than a round. */
  warmUpRequests: number;
  /** Fixed-rate load. */
  latencyWarmUpMs: number;
  latencyMs: number;
  /** Memory: after start, under load, and after the burst, before it is read; the first two with new proxies so many times. */
  idleMs: number;
  memoryRounds: number;
  loadedMs: number;
  settleMs: number;
  /** Propagation. */
  profiles: number;
  changes: number;
}

export interface Options {
  rows: readonly Row[];
  contenders: readonly Contender[];
  network: NetworkKind | 'auto';
  quick: boolean;
  /** A commit, whose proxy takes part beside today's; empty = none. */
  before: string;
  output: string;
  durations: Durations;
}

const FULL: Durations = {
  rounds: 5,
  warmUpMs: 1_000,
  measureMs: 3_000,
  warmUpRequests: 60_000,
  latencyWarmUpMs: 60_000,
  latencyMs: 8_000,
  idleMs: 15_000,
  memoryRounds: 3,
  loadedMs: 30_000,
  settleMs: 60_000,
  profiles: 3_000,
  changes: 500,
};

const QUICK: Durations = {
  rounds: 2,
  warmUpMs: 500,
  measureMs: 1_000,
  warmUpRequests: 30_000,
  latencyWarmUpMs: 2_000,
  latencyMs: 3_000,
  idleMs: 3_000,
  memoryRounds: 1,
  loadedMs: 4_000,
  settleMs: 8_000,
  profiles: 300,
  changes: 30,
};

/**
 * @param writeErr gets what is wrong
 * @throws CommanderError on a wrong flag or value, and after printing `--help`
 */
export function readOptions(
  argv: readonly string[],
  writeErr: (text: string) => void = (text) => process.stderr.write(text),
): Options {
  const command = new Command('make bench')
    .description('Measures the proxy beside HAProxy, nginx and Envoy in interleaved rounds; see docs/performance.md.')
    .option('--rows <list>', `comma-separated, of ${ROWS.join(', ')}`, listOf(ROWS), [...ROWS])
    .option('--contenders <list>', `comma-separated, of ${CONTENDERS.join(', ')}`, listOf(CONTENDERS), [...CONTENDERS])
    .option('--rounds <n>', `interleaved rounds (${FULL.rounds})`, positive)
    .option('--quick', 'short rounds and fewer objects, to try things out: no results', false)
    .option('--before <commit>', 'the proxy of that commit takes part too, and ours must not be dearer', '')
    .option('--output <file>', 'where the figures are written', 'build/bench.json')
    .addOption(
      new Option('--network <kind>', 'own network namespaces need root')
        .choices(['auto', 'namespaces', 'loopback'])
        .default('auto'),
    )
    .configureOutput({ writeErr })
    .exitOverride();
  command.parse(argv, { from: 'user' });
  const given = command.opts<Omit<Options, 'durations'> & { rounds?: number }>();
  const durations = given.quick ? QUICK : FULL;
  return { ...given, durations: { ...durations, rounds: given.rounds ?? durations.rounds } };
}

function listOf<T extends string>(known: readonly T[]): (text: string) => T[] {
  return (text) =>
    text.split(',').map((part) => {
      const found = known.find((name) => name.toLowerCase() === part.trim().toLowerCase());
      if (found === undefined) throw new InvalidArgumentError(`expected some of ${known.join(', ')}`);
      return found;
    });
}

function positive(text: string): number {
  if (/^[1-9][0-9]{0,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number, at least 1');
}
