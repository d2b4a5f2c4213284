import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { type Measurement, times } from '../figures.ts';
import { CONNECTIONS, closedLoopRounds, pagesThrough, periodOf } from './closed-loop.ts';
import { pick } from './interleave.ts';

/** HTTP/1.1 through the client's and the server's proxy with mutual TLS between them. */
export async function runP2(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const turns = await closedLoopRounds(bench, 'pair', pagesThrough(deployers, 'pair'));
  const what = `mTLS pair, HTTP/1.1, ${CONNECTIONS} connections`;
  const line = {
    row: 'P2',
    unit: 'us',
    rival: 'haproxy',
    bars: [times(1, 'haproxy'), times(0.4, 'envoy')],
    stretch: times(0.8, 'haproxy'),
  };
  return [
    { ...line, what: `${what}: CPU per request, client side`, samples: pick(turns, ({ clientUs }) => clientUs) },
    { ...line, what: `${what}: CPU per request, server side`, samples: pick(turns, ({ serverUs }) => serverUs) },
    periodOf('P2', what, turns),
  ];
}
