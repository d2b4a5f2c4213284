import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { type Measurement, times } from '../figures.ts';
import { DIRECT, fixedRateRounds, RATE, RATE_CONNECTIONS, type RateTurn } from './fixed-rate-rounds.ts';
import { pick } from './interleave.ts';

const SHARES = ['p50', 'p90', 'p99'] as const;

/** Latency through a pair at a fixed rate, and what the pair adds: the difference to no proxy at all in the same round. */
export async function runP5(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const turns = await fixedRateRounds(bench, deployers);
  const { [DIRECT]: base = [], ...pairs } = turns;
  const what = `mTLS pair, ${RATE} requests/s, ${RATE_CONNECTIONS} connections, 1 KB`;
  const line = { row: 'P5', unit: 'ms', rival: 'haproxy' };
  return SHARES.flatMap((share): Measurement[] => [
    {
      ...line,
      what: `${what}: latency added, ${share}`,
      samples: added(pairs, base, share),
      bars: [times(1, 'haproxy')],
      stretch: times(0.6, 'haproxy'),
    },
    {
      ...line,
      what: `${what}: latency, ${share}`,
      samples: pick(turns, (turn) => turn[share]),
      bars: [],
      stretch: null,
    },
  ]);
}

function added(
  pairs: Record<string, RateTurn[]>,
  base: readonly RateTurn[],
  share: (typeof SHARES)[number],
): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(pairs).map(([name, results]) => [
      name,
      results.map((result, round) => result[share] - base[round]![share]),
    ]),
  );
}
