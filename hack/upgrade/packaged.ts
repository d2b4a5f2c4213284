import { sleep } from '../demo/shell.ts';
import { type Check, check, type Step } from '../demo/step.ts';
import { weft } from '../demo/weft.ts';
import { proxiesAre, routingChanges, uids, unchanged } from './application.ts';
import { TODAYS } from './builds.ts';
import { apisAvailable, installed, nothingMadeAnew, operatorsAre, SYSTEM } from './control-plane.ts';
import type { Helm } from './helm.ts';
import { removed } from './removal.ts';
import { step, type World } from './steps.ts';

const PARTS = ['weft-config', 'weft-identity', 'weft-operator', 'weft-webhooks'];
/** A pod that is replaced without need would be by then. */
const CALM_MS = 5_000;

/** By Weft's own command, and back; what the other form had is pruned. */
async function partsByCommand(world: World): Promise<Check[]> {
  await weft(['upgrade', '--apply', '--set', 'operator.split=true']);
  const apart = [await operatorsAre(TODAYS, PARTS), ...(await routingChanges(world.calls.caller))];
  await weft(['upgrade', '--apply', '--set', 'operator.split=false']);
  await weft(['prune', '--apply']);
  return [...apart, await operatorsAre(TODAYS), ...(await routingChanges(world.calls.caller))];
}

async function takenOver(world: World, helm: Helm): Promise<Check[]> {
  const [pods, objects] = [await uids(SYSTEM), await installed()];
  await helm.takeOver();
  await sleep(CALM_MS);
  const now = await uids(SYSTEM);
  const list = await helm.run(['list', '--short']);
  const releases = list.stdout.trim().split('\n').toSorted().join(', ');
  return [
    check('releases', 'weft, weft-crds', releases, releases === 'weft, weft-crds'),
    unchanged('pods of the control plane', pods, now),
    await nothingMadeAnew(objects),
    ...(await routingChanges(world.calls.caller)),
  ];
}

async function partsByHelm(world: World, helm: Helm): Promise<Check[]> {
  await helm.upgrade('--reuse-values', '--set', 'operator.split=true');
  const apart = [await operatorsAre(TODAYS, PARTS), ...(await routingChanges(world.calls.caller))];
  await helm.upgrade('--reuse-values', '--set', 'operator.split=false,operator.logLevel=debug');
  return [...apart, await operatorsAre(TODAYS), await apisAvailable(1), ...(await routingChanges(world.calls.caller))];
}

/** `weft check`, in a pod. */
async function tested(helm: Helm): Promise<Check[]> {
  const { code, stdout, stderr } = await helm.run(['test', 'weft', '--timeout', '90s'], { anyStatus: true });
  const said = `${stdout}\n${stderr}`.split('\n').filter((line) => /Error|Phase: +Failed/.test(line));
  return [check('helm test', 'it succeeds', code === 0 ? 'it succeeds' : said.join('; '), code === 0)];
}

async function again(world: World, helm: Helm): Promise<Check[]> {
  await helm.upgrade();
  return [
    await operatorsAre(TODAYS),
    await proxiesAre(TODAYS),
    await apisAvailable(1),
    ...(await routingChanges(world.calls.caller)),
  ];
}

export function packaged(world: World, helm: Helm): Step[] {
  const upgrade = 'helm upgrade --install weft charts/weft --take-ownership';
  return [
    step(
      world,
      '7',
      'roles in Deployments of their own, and together again, by the command',
      [
        'weft upgrade --apply --set operator.split=true',
        'weft upgrade --apply --set operator.split=false',
        'weft prune --apply',
      ],
      () => partsByCommand(world),
    ),
    step(
      world,
      '8',
      'Helm takes over what make install has made',
      [
        'weft upgrade --show-values > values.yaml',
        'helm upgrade --install weft-crds charts/weft-crds --take-ownership',
        `${upgrade} --values values.yaml`,
      ],
      () => takenOver(world, helm),
    ),
    step(
      world,
      '9',
      'roles in Deployments of their own, and together again, by Helm',
      [`${upgrade} --set operator.split=true`, `${upgrade} --set operator.split=false`],
      () => partsByHelm(world, helm),
    ),
    step(world, '10', 'helm test', ['helm test weft'], () => tested(helm)),
    step(world, '11', 'helm uninstall', ['helm uninstall weft'], () => removed(helm)),
    step(world, '12', 'helm install again, for the proxies that are still there', [upgrade], () => again(world, helm)),
  ];
}
