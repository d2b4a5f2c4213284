import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import type { Bar, Measurement } from '../figures.ts';
import { CONNECTIONS, closedLoopRounds, type Turn } from './closed-loop.ts';
import { pick } from './interleave.ts';

const BAR: Bar = { kind: 'ratio', rival: 'haproxy', max: 1.5 };

/** HTTP/1.1 in cleartext through one proxy: the client's (routes, split, balancing) and the server's (policy, routes for metrics). */
export async function runP1(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const outbound = await closedLoopRounds(bench, deployers, 'outbound');
  const measurements = [...hop('outbound', outbound, (turn) => turn.clientUs)];
  // Without redirection nothing can tell the proxy which port a cleartext connection was meant for.
  const inboundDeployers = deployers.filter(({ name }) => name !== 'weft' || bench.network === 'namespaces');
  const inbound = await closedLoopRounds(bench, inboundDeployers, 'inbound');
  return [...measurements, ...hop('inbound', inbound, (turn) => turn.serverUs)];
}

function hop(side: string, turns: Record<string, Turn[]>, cpuUs: (turn: Turn) => number): Measurement[] {
  const what = `HTTP/1.1 one hop, ${side}, ${CONNECTIONS} connections`;
  const line = { row: 'P1', rival: 'haproxy' };
  return [
    {
      ...line,
      what: `${what}: CPU per request`,
      unit: 'us',
      samples: pick(turns, cpuUs),
      bar: turns['weft'] === undefined ? null : BAR,
    },
    {
      ...line,
      what: `${what}: time per request of a closed loop`,
      unit: 'us',
      samples: pick(turns, period),
      bar: null,
    },
  ];
}

/** The reciprocal of the throughput, so that less is better here as everywhere. */
export function period({ requestsPerSecond }: Turn): number {
  return 1e6 / requestsPerSecond;
}
