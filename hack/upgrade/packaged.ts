import { kubectl } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { type Check, check, type Step } from '../demo/step.ts';
import { weft } from '../demo/weft.ts';
import {
  certificateLifetime,
  certificates,
  NAMESPACE,
  proxiesAre,
  renewed,
  routingChanges,
  uids,
} from './application.ts';
import { TODAYS } from './builds.ts';
import { apisAvailable, installed, nothingMadeAnew, operatorsAre, SYSTEM, webhooks } from './control-plane.ts';
import type { Helm } from './helm.ts';
import { step, type World } from './steps.ts';

const PARTS = ['weft-config', 'weft-identity', 'weft-operator', 'weft-webhooks'];
const LONG_LIFETIME = '24h';
const RENEWED_LIMIT_MS = 60_000;
const GONE_LIMIT_MS = 30_000;
/** An operator that has been asked to stop may be there so long; what it made goes with what owned it. */
const ALONE_MS = 10_000;
const PART_OF = 'app.kubernetes.io/part-of=weft';

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
  await sleep(ALONE_MS);
  const now = await uids(SYSTEM);
  const list = await helm.run(['list', '--short']);
  const releases = list.stdout.trim().split('\n').toSorted().join(', ');
  return [
    check('releases', 'weft, weft-crds', releases, releases === 'weft, weft-crds'),
    check('pods of the control plane', pods, now, now === pods),
    await nothingMadeAnew(objects),
    ...(await routingChanges(world.calls.caller)),
  ];
}

async function partsByHelm(world: World, helm: Helm): Promise<Check[]> {
  await helm.upgrade('--reuse-values', '--set', 'operator.split=true');
  const apart = [await operatorsAre(TODAYS, PARTS), ...(await routingChanges(world.calls.caller))];
  await helm.upgrade('--reuse-values', '--set', 'operator.split=false,operator.logLevel=debug');
  return [
    ...apart,
    await operatorsAre(TODAYS),
    await apisAvailable(TODAYS),
    ...(await routingChanges(world.calls.caller)),
  ];
}

/** Read by what `weft check` itself finds, in a pod. */
async function tested(helm: Helm): Promise<Check[]> {
  const { code, stdout, stderr } = await helm.run(['test', 'weft', '--timeout', '90s'], { anyStatus: true });
  const said = `${stdout}\n${stderr}`.split('\n').filter((line) => /Error|Phase: +Failed/.test(line));
  return [check('helm test', 'it succeeds', code === 0 ? 'it succeeds' : said.join('; '), code === 0)];
}

/** A pod that is made while nobody injects. */
async function plainPod(): Promise<Check> {
  const name = 'made-meanwhile';
  const { code, stderr } = await kubectl(
    [
      '-n',
      NAMESPACE,
      'run',
      name,
      '--image=localhost/weft-demo:dev',
      '--image-pull-policy=IfNotPresent',
      '--',
      'service',
    ],
    { anyStatus: true },
  );
  if (code !== 0) return check('a pod that is created', 'it is', stderr.trim(), false);
  await kubectl(['-n', NAMESPACE, 'wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s']);
  const containers = await kubectl([
    '-n',
    NAMESPACE,
    'get',
    'pod',
    name,
    '-o',
    'jsonpath={.spec.initContainers[*].name}',
  ]);
  await kubectl(['-n', NAMESPACE, 'delete', 'pod', name, '--wait=false']);
  return check(
    'a pod that is created',
    'runs, without a proxy',
    `runs, with [${containers.stdout}]`,
    containers.stdout === '',
  );
}

async function removed(helm: Helm): Promise<Check[]> {
  const before = await certificates();
  await certificateLifetime(LONG_LIFETIME);
  const lasting = await renewed(before, RENEWED_LIMIT_MS);
  const refused = await weft(['uninstall', '--apply']).then(
    () => 'done',
    (error: Error) => error.message,
  );
  const [application, strangers] = [await uids(), await foreign()];
  await helm.run(['uninstall', 'weft', '--wait']);
  const gone = await until('webhooks are gone', GONE_LIMIT_MS, async () =>
    (await webhooks()).length === 0 ? true : null,
  ).catch(() => null);
  const created = await plainPod();
  await sleep(ALONE_MS);
  return [
    lasting,
    check(
      'weft uninstall',
      'refused, naming pods',
      refused.slice(0, 200),
      refused.includes('WEFT_UNINSTALL_INJECTED') && refused.includes(`${NAMESPACE}/web`),
    ),
    check(
      'webhooks after helm uninstall',
      'none',
      (await webhooks()).join(', ') || `none, after ${((gone?.ms ?? 0) / 1000).toFixed(1)} s`,
      gone !== null && (await webhooks()).length === 0,
    ),
    created,
    ...(await left()),
    check(
      'objects of others',
      'all are there',
      (await foreign()) === strangers ? 'all are there' : 'some are not',
      (await foreign()) === strangers,
    ),
    check(
      'pods of the application',
      'the same',
      (await uids()) === application ? 'the same' : await uids(),
      (await uids()) === application,
    ),
  ];
}

/** What stays is the definitions, with every object, the namespace, and the root of trust (docs/installation.md). */
async function left(): Promise<Check[]> {
  const kinds = [...new Set([...(await installed()).keys()].map((key) => key.split(' ')[0]))].toSorted().join(', ');
  const { stdout } = await kubectl(['-n', NAMESPACE, 'get', 'serviceprofiles', '-o', 'name']);
  return [
    check(
      'what is left of the installation',
      'CustomResourceDefinition, Namespace',
      kinds,
      kinds === 'CustomResourceDefinition, Namespace',
    ),
    check('custom resources', 'are there', stdout.trim(), stdout.includes('serviceprofile')),
  ];
}

/** Names of what does not carry our label, of kinds of which we install some. */
async function foreign(): Promise<string> {
  const kinds = 'deployments,services,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,secrets,crd';
  const { stdout } = await kubectl(['get', kinds, '-A', '-l', PART_OF.replace('=', '!='), '-o', 'name']);
  // Helm's own record of a release is a Secret, which goes with it.
  return stdout
    .split('\n')
    .filter((name) => !name.includes('sh.helm.release'))
    .toSorted()
    .join('\n');
}

async function again(world: World, helm: Helm): Promise<Check[]> {
  await helm.upgrade();
  return [
    await operatorsAre(TODAYS),
    await proxiesAre(TODAYS),
    await apisAvailable(TODAYS),
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
