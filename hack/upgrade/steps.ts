import { sleep } from '../demo/shell.ts';
import type { Check, Step } from '../demo/step.ts';
import { weft } from '../demo/weft.ts';
import {
  certificateLifetime,
  certificates,
  deploy,
  NAMESPACE,
  proxiesAre,
  renewed,
  restarted,
  restartWeb,
  routingChanges,
  uids,
  unchanged,
} from './application.ts';
import { type Build, EARLIER, installEarlier, installTodays, TODAYS } from './builds.ts';
import type { Calls } from './calls.ts';
import { apisAvailable, operatorsAre, rootOfTrust, trustKept } from './control-plane.ts';

/** Renewed at 70 % of it: within every phase. */
const SHORT_LIFETIME = '30s';
const RENEWED_LIMIT_MS = 60_000;
/** Requests of a phase in which nothing else is waited for. */
const CALM_MS = 2_000;

/** What all steps share. */
export interface World {
  calls: Calls;
  /** The tree of the earlier build. */
  earlier: string;
  /** As it is first; it stays. */
  trust: string;
}

/** Each ends with the outcomes of all requests since the one before. */
export function step(world: World, id: string, title: string, commands: string[], run: () => Promise<Check[]>): Step {
  return {
    id,
    title,
    commands,
    async run() {
      const checks = await run();
      await sleep(CALM_MS);
      return [...checks, ...(await world.calls.next()), await trustKept(world.trust), await restarted()];
    },
  };
}

export function first(world: World): Step {
  return {
    id: '1',
    title: 'the earlier build, and an application that is called 200 times a second',
    commands: ['make install   # in the tree of the earlier build', 'kubectl apply -f hack/upgrade/application.yaml'],
    async run() {
      await installEarlier(world.earlier);
      await certificateLifetime(SHORT_LIFETIME);
      await deploy();
      world.trust = await rootOfTrust();
      await world.calls.begin();
      const checks = [await operatorsAre(EARLIER), await proxiesAre(EARLIER)];
      checks.push(...(await routingChanges(world.calls.caller)));
      return [...checks, ...(await world.calls.next())];
    },
  };
}

/** Routing changes, and certificates, while operator and proxies are of two builds. */
async function mixed(world: World): Promise<Check[]> {
  const before = await certificates();
  const changes = await routingChanges(world.calls.caller);
  return [...changes, await renewed(before, RENEWED_LIMIT_MS)];
}

async function replaced(world: World, to: Build, install: () => Promise<unknown>): Promise<Check[]> {
  const before = await uids();
  await install();
  const checks = [await operatorsAre(to), ...(await mixed(world)), await apisAvailable(to === TODAYS ? 1 : 0)];
  return [...checks, unchanged('pods of the application', before, await uids())];
}

async function restartedProxies(world: World, build: Build): Promise<Check[]> {
  await restartWeb();
  const half = await proxiesAre(build, 'web');
  await world.calls.handOver();
  const changes = await routingChanges(world.calls.caller);
  // The one that called before is replaced too, so that no pod of the other build is left.
  await world.calls.handOver();
  return [half, ...changes, await proxiesAre(build)];
}

const RESTARTS = [`kubectl -n ${NAMESPACE} rollout restart deploy/web deploy/caller-one deploy/caller-two`];

export function upAndDown(world: World): Step[] {
  return [
    step(world, '2', "today's operator, proxies of the earlier build", ['weft upgrade --apply'], () =>
      replaced(world, TODAYS, () => weft(['upgrade', '--apply'])),
    ),
    step(world, '3', "today's operator and proxies", RESTARTS, () => restartedProxies(world, TODAYS)),
    step(
      world,
      '4',
      "the earlier operator, today's proxies",
      ['make install   # in the tree of the earlier build'],
      () => replaced(world, EARLIER, () => installEarlier(world.earlier)),
    ),
    step(world, '5', 'the earlier operator and proxies', RESTARTS, () => restartedProxies(world, EARLIER)),
    step(world, '6', "today's again", ['make install', ...RESTARTS], async () => [
      await installTodays().then(() => operatorsAre(TODAYS)),
      ...(await restartedProxies(world, TODAYS)),
    ]),
  ];
}
