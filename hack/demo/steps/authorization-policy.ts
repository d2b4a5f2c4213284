import { applyFile, deleteFile, get, url, waitProgrammed } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { countedByPod, LoadControl, sum } from '../traffic.ts';

const RPS = 50;
const RUN_MS = 6_000;
/** As in samples/authorization/rate-limit.yaml. */
const LIMIT = 10;

async function statusOf(from: string, path: string): Promise<number> {
  return (await get(from, url('stock', path)))[0]!.status;
}

async function onePath(): Promise<Check[]> {
  await applyFile('samples/authorization/one-path.yaml');
  await waitProgrammed('authorizationpolicy', 'stock-item', 30_000);
  const [catalog, web, elsewhere] = await Promise.all([
    statusOf('deploy/catalog-v1', '/item'),
    statusOf('deploy/web', '/item'),
    statusOf('deploy/catalog-v1', '/other'),
  ]);
  await deleteFile('samples/authorization/one-path.yaml');
  return [
    check('ServiceAccount catalog asks for /item', '200', catalog, catalog === 200),
    check('ServiceAccount web asks for /item', '403', web, web === 403),
    check('ServiceAccount catalog asks for /other', '404', elsewhere, elsewhere === 404),
  ];
}

async function rateLimit(): Promise<Check[]> {
  await applyFile('samples/authorization/rate-limit.yaml');
  await waitProgrammed('httplocalratelimitpolicy', 'stock-http', 30_000);
  const load = new LoadControl('limited');
  await load.start({ url: url('stock', '/item'), rps: RPS, phase: 'limited' });
  await sleep(RUN_MS);
  const { limited } = await load.stop();
  const perPod = (await countedByPod('app=stock', 'limited')).map((count) => count / (RUN_MS / 1000));
  await deleteFile('samples/authorization/rate-limit.yaml');
  const ok = limited?.statuses['200'] ?? 0;
  const shed = limited?.statuses['429'] ?? 0;
  const others = (limited?.finished ?? 0) - ok - shed;
  return [
    check(
      `${RPS} requests a second, of which each pod lets in ${LIMIT}`,
      `at most ${LIMIT} + 3 a second by each, at least ${LIMIT} - 3 by all; the others with 429`,
      `${perPod.map((rate) => rate.toFixed(1)).join(', ')} a second; ${shed} times 429, ${others} others`,
      Math.max(...perPod) <= LIMIT + 3 && sum(perPod) >= LIMIT - 3 && shed > 0 && others === 0,
    ),
  ];
}

export const authorizationPolicy: Step = {
  id: 'u',
  title: 'AuthorizationPolicy for one path and one ServiceAccount; a rate limit',
  commands: [
    'kubectl apply -f samples/authorization/one-path.yaml',
    'kubectl apply -f samples/authorization/rate-limit.yaml',
  ],
  async run() {
    return [...(await onePath()), ...(await rateLimit())];
  },
};
