import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { type Measurement, times } from '../figures.ts';
import { DIRECT, fixedRateRounds, RATE, RATE_CONNECTIONS } from './fixed-rate-rounds.ts';
import { pick } from './interleave.ts';

/** CPU of each proxy of a pair at a fixed rate: few requests a wake-up, which is what most pods see. */
export async function runP7(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const { [DIRECT]: _, ...pairs } = await fixedRateRounds(bench, deployers);
  const what = `mTLS pair, ${RATE} requests/s, ${RATE_CONNECTIONS} connections, 1 KB: CPU per request`;
  const bar = { bars: [times(1, 'haproxy')], stretch: times(0.7, 'haproxy') };
  const line = { row: 'P7', unit: 'us', rival: 'haproxy', ...bar };
  return [
    { ...line, what: `${what}, client side`, samples: pick(pairs, ({ clientUs }) => clientUs) },
    { ...line, what: `${what}, server side`, samples: pick(pairs, ({ serverUs }) => serverUs) },
  ];
}
