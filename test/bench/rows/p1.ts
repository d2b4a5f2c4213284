import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { WeftDeployer } from '../contenders/weft/deployer.ts';
import { type Measurement, times } from '../figures.ts';
import { CONNECTIONS, closedLoopRounds, pagesThrough, periodOf, type Turn } from './closed-loop.ts';
import { pick } from './interleave.ts';

/** HTTP/1.1 in cleartext through one proxy: the client's (routes, split, balancing) and the server's (policy, routes for metrics). */
export async function runP1(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const outbound = await closedLoopRounds(bench, 'outbound', pagesThrough(deployers, 'outbound'));
  const measurements = hop('outbound', outbound, ({ clientUs }) => clientUs);
  // Without redirection nothing can tell the proxy which port a cleartext connection was meant for.
  const inboundDeployers = deployers.filter(
    (deployer) => !(deployer instanceof WeftDeployer) || bench.network === 'namespaces',
  );
  const inbound = await closedLoopRounds(bench, 'inbound', pagesThrough(inboundDeployers, 'inbound'));
  return [...measurements, ...hop('inbound', inbound, ({ serverUs }) => serverUs)];
}

function hop(side: string, turns: Record<string, Turn[]>, cpuUs: (turn: Turn) => number): Measurement[] {
  const what = `HTTP/1.1 one hop, ${side}, ${CONNECTIONS} connections`;
  const judged = turns['weft'] !== undefined;
  return [
    {
      row: 'P1',
      what: `${what}: CPU per request`,
      unit: 'us',
      samples: pick(turns, cpuUs),
      rival: 'haproxy',
      bars: judged ? [times(1.25, 'haproxy'), times(0.5, 'envoy')] : [],
      stretch: judged ? times(1, 'haproxy') : null,
    },
    periodOf('P1', what, turns),
  ];
}
