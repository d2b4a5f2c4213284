import { ROUTE_PROGRAMMED } from '../../../crds/kinds/row.ts';
import { applyFile, get, getJson, kubectl, NAMESPACE, url } from '../kubectl.ts';
import { sleep, until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { counted, failures, LoadControl } from '../traffic.ts';

const RPS = 200;
const RUN_MS = 10_400;
const MINIMUM = 2000;
/** As in samples/routes/gateway.yaml. */
const SHARE = 0.2;
const CHOSEN = 20;

interface Route {
  metadata: { generation: number };
  status?: { parents?: { conditions: { type: string; status: string; observedGeneration?: number }[] }[] };
}

/** Waits until every parent says of the present generation that it is accepted, resolved and followed by the proxies. */
export async function waitRoute(resource: string, name: string): Promise<number> {
  const found = await until(`${resource}/${name} programmed`, 30_000, async () => {
    const { metadata, status } = await getJson<Route>(resource, name, '-n', NAMESPACE);
    const holds = (type: string): boolean =>
      (status?.parents ?? []).every(({ conditions }) =>
        conditions.some(
          (one) => one.type === type && one.status === 'True' && one.observedGeneration === metadata.generation,
        ),
      );
    return (status?.parents?.length ?? 0) > 0 && ['Accepted', 'ResolvedRefs', ROUTE_PROGRAMMED].every(holds)
      ? true
      : null;
  });
  return found.ms;
}

async function byHeader(): Promise<Check> {
  const answers = await get('deploy/traffic', url('catalog', '/item'), CHOSEN, NAMESPACE, ['x-version: v2']);
  const second = answers.filter(({ status, body }) => status === 200 && body.includes('"version":"v2"')).length;
  return check('with x-version: v2', `${CHOSEN} of ${CHOSEN} by v2`, `${second} of ${CHOSEN}`, second === CHOSEN);
}

async function byWeight(): Promise<Check[]> {
  const load = new LoadControl('routed');
  await load.start({ url: url('catalog', '/item'), rps: RPS, phase: 'routed' });
  await sleep(RUN_MS);
  const { routed } = await load.stop();
  const [v1, v2] = await Promise.all([
    counted('app=catalog,version=v1', 'routed'),
    counted('app=catalog,version=v2', 'routed'),
  ]);
  const total = v1 + v2;
  const deviation = Math.abs(v2 / total - SHARE) / Math.sqrt((SHARE * (1 - SHARE)) / total);
  const share = `${v2} of ${total} = ${((100 * v2) / total).toFixed(2)} % (${deviation.toFixed(1)} σ)`;
  const failed = routed === undefined ? -1 : failures(routed);
  return [
    check('share of v2 of all others', `20 % within 4 σ, ≥ ${MINIMUM}`, share, deviation <= 4 && total >= MINIMUM),
    check('failed requests', '0', `${failed} of ${routed?.sent ?? 0}`, failed === 0),
  ];
}

export const httpRoute: Step = {
  id: 'r',
  title: 'HTTPRoute: by header and by weight',
  commands: ['kubectl apply -f samples/routes/gateway.yaml'],
  async run() {
    await applyFile('samples/routes/gateway.yaml');
    await waitRoute('httproutes.gateway.networking.k8s.io', 'catalog');
    const checks = [await byHeader(), ...(await byWeight())];
    await kubectl(['-n', NAMESPACE, 'delete', 'httproutes.gateway.networking.k8s.io', 'catalog']);
    return checks;
  },
};
