import { kubectl } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import { weft } from '../demo/weft.ts';
import { certificateLifetime, certificates, NAMESPACE, renewed, uids, unchanged } from './application.ts';
import { apisAvailable, installed, webhooks } from './control-plane.ts';
import type { Helm } from './helm.ts';

/** Proxies that nobody gives a certificate go on as long as they have one. */
const LONG_LIFETIME = '24h';
const RENEWED_LIMIT_MS = 60_000;
const GONE_LIMIT_MS = 30_000;
/** The operator is gone by then, and what it made with what owned it. */
const ALONE_MS = 10_000;
/** Of what we install, and of what is like it. */
const KINDS = 'deployments,services,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,secrets,crd';
const LEFT = 'CustomResourceDefinition, Namespace';
const POD = 'made-meanwhile';

function inNamespace(args: string): Promise<string> {
  return kubectl(['-n', NAMESPACE, ...args.split(' ')]).then(({ stdout }) => stdout.trim());
}

export async function removed(helm: Helm): Promise<Check[]> {
  const before = await certificates();
  await certificateLifetime(LONG_LIFETIME);
  const checks = [await renewed(before, RENEWED_LIMIT_MS), await refusedWhileMeshed()];
  const [application, strangers] = [await uids(), await foreign()];
  await helm.run(['uninstall', 'weft', '--wait']);
  checks.push(await webhooksGone(), await plainPod());
  await sleep(ALONE_MS);
  return [
    ...checks,
    await apisAvailable(0),
    ...(await left()),
    unchanged('objects of others', strangers, await foreign()),
    unchanged('pods of the application', application, await uids()),
  ];
}

async function refusedWhileMeshed(): Promise<Check> {
  const said = await weft(['uninstall', '--apply']).then(
    () => 'done',
    (error: Error) => error.message,
  );
  const holds = said.includes('WEFT_UNINSTALL_INJECTED') && said.includes(`${NAMESPACE}/web`);
  return check('weft uninstall', 'refused, naming pods', said.slice(said.indexOf('WEFT_')).slice(0, 200), holds);
}

async function webhooksGone(): Promise<Check> {
  let last: string[] = [];
  const gone = await until('webhooks are gone', GONE_LIMIT_MS, async () => {
    last = await webhooks();
    return last.length === 0 ? true : null;
  }).catch(() => null);
  const measured = gone === null ? last.join(', ') : `none after ${(gone.ms / 1000).toFixed(1)} s`;
  return check('webhooks', 'none', measured, gone !== null);
}

/** A pod that is made while nobody injects. */
async function plainPod(): Promise<Check> {
  const run = `run ${POD} --image=localhost/weft-demo:dev --image-pull-policy=IfNotPresent -- service`;
  const proxies = await inNamespace(run)
    .then(() => inNamespace(`wait --for=condition=Ready pod/${POD} --timeout=30s`))
    .then(() => inNamespace(`get pod ${POD} -o jsonpath={.spec.initContainers[*].name}`))
    .catch((error: Error) => error.message);
  await inNamespace(`delete pod ${POD} --ignore-not-found --wait=false`);
  return check('a pod that is created', 'runs without a proxy', proxies || 'runs without a proxy', proxies === '');
}

/** The definitions with every object, the namespace, and in it the root of trust, which every step looks at. */
async function left(): Promise<Check[]> {
  const kinds = [...new Set([...(await installed()).keys()].map((key) => key.split(' ')[0]))].toSorted().join(', ');
  const objects = await inNamespace('get serviceprofiles -o name');
  return [
    check('what is left of the installation', LEFT, kinds, kinds === LEFT),
    check('custom resources', 'are there', objects, objects.includes('serviceprofile')),
  ];
}

/** Names of what does not carry our label. Helm's own record of a release is a Secret, which goes with it. */
async function foreign(): Promise<string> {
  const { stdout } = await kubectl(['get', KINDS, '-A', '-l', 'app.kubernetes.io/part-of!=weft', '-o', 'name']);
  const names = stdout.split('\n').filter((name) => !name.includes('sh.helm.release'));
  return names.toSorted().join(' ').trim();
}
