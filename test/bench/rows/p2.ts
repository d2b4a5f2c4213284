import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import type { Bar, Measurement } from '../figures.ts';
import { CONNECTIONS, closedLoopRounds } from './closed-loop.ts';
import { pick } from './interleave.ts';
import { period } from './p1.ts';

const BAR: Bar = { kind: 'ratio', rival: 'haproxy', max: 1.5 };

/** HTTP/1.1 through the client's and the server's proxy with mutual TLS between them. */
export async function runP2(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const turns = await closedLoopRounds(bench, deployers, 'pair');
  const what = `mTLS pair, HTTP/1.1, ${CONNECTIONS} connections`;
  const line = { row: 'P2', unit: 'us', rival: 'haproxy' };
  return [
    { ...line, what: `${what}: CPU per request, client side`, samples: pick(turns, (turn) => turn.clientUs), bar: BAR },
    { ...line, what: `${what}: CPU per request, server side`, samples: pick(turns, (turn) => turn.serverUs), bar: BAR },
    { ...line, what: `${what}: time per request of a closed loop`, samples: pick(turns, period), bar: null },
  ];
}
