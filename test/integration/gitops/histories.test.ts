import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { Cluster } from '../operator/plane.ts';
import { shippedChecks } from './checks.ts';
import { falselyHealthy, healthyTo } from './falseness.ts';
import { Operators, pickOf, World } from './history.ts';
import { BUILD_LIMIT_MS, type Health, Judge } from './judge.ts';
import { truths } from './oracle.ts';
import { Recorder } from './recorder.ts';

/** `make show-gitops` asks for 200. */
const HISTORIES = Number(process.env['GITOPS_HISTORIES'] ?? '10');
const FIRST_SEED = Number(process.env['GITOPS_SEED'] ?? '1');
/** So many pass side by side, under one life of the operator. */
const SIDE_BY_SIDE = 10;
const STEPS = 12;
/** Every so many steps everything is left alone until it says what holds. */
const REST_EVERY = 4;
const SETTLE_MS = 30_000;
const ROUND_MS = 180_000;

describe('random histories of objects and operators', function () {
  this.timeout(ROUND_MS);
  let api: TestApiServer;
  let world: World;
  let judge: Judge<Health>;

  before(async function () {
    this.timeout(API_SERVER_START_MS + BUILD_LIMIT_MS);
    judge = await Judge.start<Health>('health', shippedChecks());
    api = await startApiServer();
    world = new World(api);
    const cluster = new Cluster(api);
    await cluster.installDefinitions();
    await cluster.close();
    await installGatewayApi(api);
  });
  after(async () => {
    await judge?.stop();
    await world?.close();
    await api?.stop();
  });

  /** What the tools say of everything there is, where it is not what holds. */
  async function disagreements(): Promise<string[]> {
    const held = truths(await world.objects());
    const judged = held.map(async ({ row, raw, isHealthy }) => {
      const { kstatus, flux, argo } = await healthyTo(judge, raw);
      const said = row.status.form === 'parents' ? [flux, argo] : [kstatus, flux, argo];
      const { namespace = '', name = '' } = raw.metadata ?? {};
      return said.every((each) => each === isHealthy) ? '' : `${row.id} ${namespace}/${name}: ${JSON.stringify(raw)}`;
    });
    return (await Promise.all(judged)).filter((each) => each !== '');
  }

  async function settled(): Promise<void> {
    let last: string[] = [];
    await eventually(
      'all that is said is what holds',
      async () => {
        last = await disagreements();
        if (last.length > 0) await sleep(100);
        return last.length === 0;
      },
      SETTLE_MS,
    ).catch((cause: unknown) => {
      throw new Error(last.slice(0, 3).join('\n'), { cause });
    });
  }

  async function round(seed: number, count: number): Promise<void> {
    const namespaces = Array.from({ length: count }, (_, at) => `h${seed + at}`);
    const picks = namespaces.map((_, at) => pickOf(seed + at));
    const life = pickOf(seed + 1_000_003);
    const recorder = await new Recorder(api).start();
    const operators = new Operators(api, world);
    try {
      await Promise.all(namespaces.map((namespace) => world.open(namespace)));
      for (let step = 1; step <= STEPS; step++) {
        await operators.step(life);
        await Promise.all([
          ...namespaces.map((namespace, at) => world.step(namespace, picks[at]!)),
          ...(life(3) === 0 ? [world.stepOfMesh(life)] : []),
        ]);
        await sleep(life(3) * 10);
        if (step % REST_EVERY === 0 && operators.isRunning) await settled();
      }
      if (!operators.isRunning) await operators.start();
      await settled();
      await operators.stopAll();
      expect(recorder.versions.length, 'versions judged').to.be.above(count * STEPS);
      expect(await falselyHealthy(recorder.versions, operators.absences, judge)).to.deep.equal([]);
    } finally {
      await operators.stopAll();
      await recorder.stop();
      await world.clear(namespaces);
    }
  }

  for (let first = 0; first < HISTORIES; first += SIDE_BY_SIDE) {
    const count = Math.min(SIDE_BY_SIDE, HISTORIES - first);
    const seed = FIRST_SEED + first;
    it(`${count} from ${seed} on: nothing is called healthy falsely, and in the end everything is called what it is`, () =>
      round(seed, count));
  }
});
