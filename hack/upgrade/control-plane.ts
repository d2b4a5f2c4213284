import { createHash } from 'node:crypto';
import { getJson, kubectl } from '../demo/kubectl.ts';
import { until } from '../demo/shell.ts';
import { type Check, check } from '../demo/step.ts';
import type { Pod } from './application.ts';
import type { Build } from './builds.ts';

export const SYSTEM = 'weft-system';
const OURS = 'app.kubernetes.io/part-of=weft';
const ROOT_OF_TRUST = ['weft-trust-anchor', 'weft-identity-issuer'];
const GONE_LIMIT_MS = 60_000;

interface Named {
  kind: string;
  metadata: { name: string; namespace?: string; uid: string };
}

const isOperator = ({ spec }: Pod) => spec.containers.some(({ name }) => name === 'operator');

/** Until none of the others is left: one that is told to stop hands over what it has. */
export async function operatorsAre(build: Build, deployments: readonly string[] = ['weft-operator']): Promise<Check> {
  const nameOf = ({ metadata, spec }: Pod) =>
    `${metadata.labels?.['app.kubernetes.io/name']} ${spec.containers[0]?.image}`;
  const wanted = deployments.map((name) => `${name} ${build.operatorImage}`).join(', ');
  let last = '';
  const found = await until('pods of the control plane', GONE_LIMIT_MS, async () => {
    const { items } = await getJson<{ items: Pod[] }>('pods', '-n', SYSTEM, '-l', OURS);
    last = items.filter(isOperator).map(nameOf).toSorted().join(', ');
    return last === wanted ? true : null;
  }).catch(() => null);
  return check('pods of the control plane', wanted, last, found !== null);
}

interface Secret {
  metadata: { name: string };
  data: object;
}

/** Anchor and issuer: what every certificate of a proxy goes back to. */
export async function rootOfTrust(): Promise<string> {
  const { items } = await getJson<{ items: Secret[] }>('secrets', '-n', SYSTEM);
  const kept = items.filter(({ metadata }) => ROOT_OF_TRUST.includes(metadata.name));
  const digest = createHash('sha256').update(JSON.stringify(kept.map(({ metadata, data }) => [metadata.name, data])));
  return `${kept.map(({ metadata }) => metadata.name).join(' and ')} ${digest.digest('hex').slice(0, 12)}`;
}

export async function trustKept(before: string): Promise<Check> {
  const now = await rootOfTrust();
  return check('root of trust', before, now, now === before && ROOT_OF_TRUST.every((name) => now.includes(name)));
}

interface ApiService {
  metadata: { name: string };
  spec: { service?: { namespace: string } };
  status?: { conditions?: { type: string; status: string }[] };
}

/** An aggregated API that nobody serves keeps namespaces from being deleted. @param least so many are there */
export async function apisAvailable(least: number): Promise<Check> {
  let last = '';
  const found = await until('aggregated APIs', GONE_LIMIT_MS, async () => {
    const { items } = await getJson<{ items: ApiService[] }>('apiservices');
    const ours = items.filter(({ spec }) => spec.service?.namespace === SYSTEM);
    const isAvailable = ({ status }: ApiService) =>
      status?.conditions?.some(({ type, status: is }) => type === 'Available' && is === 'True') === true;
    last = ours.map((each) => `${each.metadata.name}${isAvailable(each) ? '' : ' not available'}`).join(', ') || 'none';
    return ours.every(isAvailable) && ours.length >= least ? true : null;
  }).catch(() => null);
  return check(
    'aggregated APIs of Weft',
    `${least === 0 ? 'all that there are' : 'there, and all'} available`,
    last,
    found !== null,
  );
}

export async function webhooks(): Promise<string[]> {
  const { stdout } = await kubectl([
    'get',
    'mutatingwebhookconfigurations,validatingwebhookconfigurations',
    '-o',
    'name',
  ]);
  return stdout.split('\n').filter((name) => name.includes('weft'));
}

/** What carries our label, of the kinds that an installation has, as `kind/name uid`. */
export async function installed(): Promise<Map<string, string>> {
  const kinds =
    'crd,namespace,deployment,service,serviceaccount,poddisruptionbudget,clusterrole,clusterrolebinding,role,rolebinding';
  const { items } = await getJson<{ items: Named[] }>(kinds, '-A', '-l', OURS);
  const key = ({ kind, metadata: { name, namespace } }: Named) => `${kind} ${namespace ?? ''}/${name}`;
  return new Map(items.map((each) => [key(each), each.metadata.uid]));
}

/** What was there is there, and has not been made anew. */
export async function nothingMadeAnew(before: ReadonlyMap<string, string>): Promise<Check> {
  const now = await installed();
  const lost = [...before].filter(([name, uid]) => now.get(name) !== uid).map(([name]) => name);
  const what = `objects of the installation (${before.size})`;
  return check(what, 'the same, none made anew', lost.join(', ') || 'the same', lost.length === 0);
}
