import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { otherUrls } from '../contenders/weft/deployer.ts';
import { type Measurement, OURS, times } from '../figures.ts';
import { CONNECTIONS, type Contestant, closedLoopRounds, loadPages } from './closed-loop.ts';
import { type Entry, pick } from './interleave.ts';

const ROUTES = 5_000;
/** One service with one route would be the least: the called service has its own four. */
const FEW = `${OURS} without them`;

const VISIT = fileURLToPath(new URL('../load/visit.ts', import.meta.url));

/** Ours with thousands of routes on other services, all of them called once and so held, beside ours without. */
export async function runP8(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const deployer = deployers.find(({ name }) => name === OURS);
  if (deployer === undefined) return [];
  const what = `HTTP/1.1 one hop, outbound, ${CONNECTIONS} connections, ${ROUTES} routes on ${ROUTES / 10} other called services`;
  const contestants: Contestant[] = [
    {
      name: OURS,
      deployer,
      options: { shape: 'outbound', otherRoutes: ROUTES },
      load: loadPages,
      prepare: (entry) => callAll(bench, entry),
    },
    { name: FEW, deployer, options: { shape: 'outbound' }, load: loadPages },
  ];
  const turns = await closedLoopRounds(bench, what, contestants);
  return [
    {
      row: 'P8',
      what: `${what}: CPU per request`,
      unit: 'us',
      samples: pick(turns, ({ clientUs }) => clientUs),
      rival: FEW,
      bars: [times(1.05, FEW)],
      stretch: null,
    },
  ];
}

/** Ours holds what the pod has called. */
async function callAll(bench: Bench, { site }: Entry): Promise<void> {
  bench.say(`calling ${ROUTES / 10} services`);
  const argv = [process.execPath, VISIT];
  const input = JSON.stringify(otherUrls(site, ROUTES));
  await bench.programs.run({ argv, place: site.client, input, timeoutMs: 60_000 });
}
