import { fileURLToPath } from 'node:url';
import type { Bench } from '../bench.ts';
import { SMALL_PATH } from '../contenders/backend.ts';
import { type CalledRoutes, MANY_ROUTES } from '../contenders/called-routes.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { BEFORE, type Measurement, OURS, times } from '../figures.ts';
import { closedLoop } from '../load/wrk.ts';
import { CONNECTIONS, type Contestant, closedLoopRounds, type LoadOnce } from './closed-loop.ts';
import { pick } from './interleave.ts';

const PATHS = fileURLToPath(new URL('../load/paths.lua', import.meta.url));

/** As P1 has it, by this row's generator. */
const AS_P1 = `${OURS} as in P1`;
/** The same routes with a choice in each, which ours leaves to a regular-expression engine. */
const ENGINE = `${OURS}, alternatives`;

/** No two requests of a run are for the same path, so that no cache can help: each asks for a number that only grows. */
const uniquePaths: LoadOnce = (bench, entry, durationMs) =>
  scripted(bench, entry, durationMs, ['unique', String(MANY_ROUTES), String(Math.round(performance.now() * 1000))]);

const samePath: LoadOnce = (bench, entry, durationMs) => scripted(bench, entry, durationMs, ['same', SMALL_PATH]);

/** Fifty pathRegex routes on the called service; beside it P1, and HAProxy with the same fifty. */
export async function runP10(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const contestants = deployers.flatMap((deployer): Contestant[] => {
    const with50 = (name: string, calledRoutes: CalledRoutes, load = uniquePaths): Contestant => ({
      name,
      deployer,
      options: { shape: 'outbound', calledRoutes },
      load,
    });
    if (deployer.name === 'haproxy' || deployer.name === BEFORE) return [with50(deployer.name, 'segments')];
    if (deployer.name !== OURS) return [];
    return [with50(OURS, 'segments'), with50(AS_P1, 'few', samePath), with50(ENGINE, 'alternatives')];
  });
  const what = `HTTP/1.1 one hop, outbound, ${CONNECTIONS} connections, ${MANY_ROUTES} pathRegex routes on the called service, unique paths`;
  const turns = await closedLoopRounds(bench, what, contestants);
  return [
    {
      row: 'P10',
      what: `${what}: CPU per request`,
      unit: 'us',
      samples: pick(turns, ({ clientUs }) => clientUs),
      rival: AS_P1,
      bars: [times(1.5, AS_P1)],
      stretch: times(1.2, AS_P1),
    },
  ];
}

function scripted(...[bench, { site, deployment }, durationMs, args]: [...Parameters<LoadOnce>, string[]]) {
  const script = { file: PATHS, args };
  return closedLoop(bench, site, deployment, { connections: CONNECTIONS, path: SMALL_PATH, durationMs, script });
}
