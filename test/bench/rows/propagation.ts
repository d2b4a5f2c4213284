import { setTimeout as sleep } from 'node:timers/promises';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import type { Bench } from '../bench.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { WeftDeployer } from '../contenders/weft/deployer.ts';
import { above, type Bar, either, limit, type Measurement, quantile } from '../figures.ts';
import { ApiClient } from '../propagation/api-client.ts';
import { BACKEND_HOSTS, PROXY_HOST, startOperator, startProxy } from '../propagation/mesh.ts';
import {
  BACKEND_IPS,
  BACKEND_PORT,
  BACKENDS,
  type Backend,
  collection,
  destination,
  ECHO,
  ENDPOINT_SLICES,
  fqdn,
  NAMESPACE,
  profileObject,
  profiles,
  serviceObject,
  sliceObject,
  TWIN_GROUP,
  twinDefinition,
} from '../propagation/objects.ts';
import { type Answers, Prober, startNamedBackend } from '../propagation/prober.ts';

const GROUP = 'linkerd.io';
const PROXY_PORT = 8079;
const LOADERS = 8;
const SETTLED_MS = 180_000;
/** Between changes, so that each starts on an idle system; spread, so that none keeps step with a timer of somebody else's. */
const PAUSE_MS = 40;
const SPREAD_MS = 20;
const MAX_P99_MS = 100;
const MAX_MEAN_MS = 16;
const MAX_MS = 75;
/** So much more than the API server takes to tell of the same PATCH without us. */
const ABOVE_WATCH_MS = 10;
const WATCH = 'watch event';

/** From sending a PATCH to the first answer by the new rule, and beside it to the watch event of the same PATCH on a kind nobody serves. */
export async function runPropagation(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const weft = deployers.find((deployer) => deployer instanceof WeftDeployer);
  if (weft === undefined) return [];
  bench.say('propagation: starting an API server');
  const api = await startApiServer();
  const client = new ApiClient(api, LOADERS);
  const close = bench.onClose(async () => {
    client.close();
    await bench.programs.stopAll();
    await api.stop();
  });
  try {
    return await measured(bench, weft, api, client);
  } finally {
    await close();
  }
}

async function measured(
  bench: Bench,
  weft: WeftDeployer,
  api: TestApiServer,
  client: ApiClient,
): Promise<Measurement[]> {
  const { profiles: count, changes } = bench.options.durations;
  const operator = await startOperator(bench, api);
  await createObjects(bench, client, count);
  await statusesWritten(bench, client, count);
  const vip = (await client.json<{ spec: { clusterIP: string } }>('GET', `${collection('services')}/${ECHO}`)).spec
    .clusterIP;
  const backends = await Promise.all(
    BACKENDS.map((name) => startNamedBackend(BACKEND_HOSTS[name]!, BACKEND_PORT, name)),
  );
  bench.onClose(async () => {
    for (const backend of backends) backend.close();
  });
  const listen = { port: PROXY_PORT, destination: `${vip}:80` };
  await startProxy(bench, client, weft.shipped, operator, listen);
  const prober = new Prober(PROXY_HOST, PROXY_PORT);
  await prober.open();
  await prober.until('a');
  const times = await changeAll(bench, api, prober, changes);
  prober.close();
  return report(count, changes, times, prober.answers);
}

async function createObjects(bench: Bench, client: ApiClient, count: number): Promise<void> {
  await client.createAll('/api/v1/namespaces', [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
  ]);
  await client.createAll('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', [twinDefinition()]);
  await client.createAll(collection('serviceaccounts'), [{ metadata: { name: 'caller' } }]);
  const others = Array.from({ length: count - 1 }, (_, index) => `s-${index}`);
  bench.say(`propagation: creating ${count} Services and ServiceProfiles, and as many of the kind to compare with`);
  await client.createAll(collection('services'), [ECHO, ...BACKENDS, ...others].map(serviceObject));
  await client.createAll(
    ENDPOINT_SLICES,
    BACKENDS.map((name) => sliceObject(name, BACKEND_IPS[name])),
  );
  for (const group of [GROUP, TWIN_GROUP]) {
    await served(client, group);
    await client.createAll(profiles(group), [profileObject(group, ECHO, 'a')]);
    await client.createAll(
      profiles(group),
      others.map((service) => profileObject(group, service, null)),
    );
  }
}

/** A definition is served a moment after it was created. */
async function served(client: ApiClient, group: string): Promise<void> {
  const deadline = performance.now() + SETTLED_MS;
  while (performance.now() < deadline) {
    const listed = await client.send('GET', `${profiles(group)}?limit=1`).catch(() => null);
    if (listed !== null) return;
    await sleep(100);
  }
  throw new Error(`${group} is not served`);
}

/** The operator writes a status for every profile: thousands of writes that are over before anything is measured. */
async function statusesWritten(bench: Bench, client: ApiClient, count: number): Promise<void> {
  interface List {
    items: { status?: { conditions?: unknown[] } }[];
  }
  const deadline = performance.now() + SETTLED_MS;
  for (;;) {
    const { items } = await client.json<List>('GET', profiles(GROUP));
    const written = items.filter(({ status }) => (status?.conditions?.length ?? 0) > 0).length;
    bench.say(`propagation: ${written} of ${count} statuses written`);
    if (written === count) return;
    if (performance.now() > deadline) throw new Error(`only ${written} of ${count} ServiceProfiles have a status`);
    await sleep(1_000);
  }
}

interface Times {
  effect: number[];
  answer: number[];
  watch: number[];
}

async function changeAll(bench: Bench, api: TestApiServer, prober: Prober, changes: number): Promise<Times> {
  const client = new ApiClient(api, 1);
  const watcher = new ApiClient(api, 1);
  const times: Times = { effect: [], answer: [], watch: [] };
  let seen: (text: string, atMs: number) => void = () => {};
  const list = await client.json<{ metadata: { resourceVersion: string } }>('GET', `${profiles(TWIN_GROUP)}?limit=1`);
  const query = `watch=1&resourceVersion=${list.metadata.resourceVersion}`;
  const endWatch = watcher.watch(`${profiles(TWIN_GROUP)}?${query}`, (text) => seen(text, performance.now()));
  const sawEvent = (backend: Backend) =>
    new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no watch event within 10 s')), 10_000);
      seen = (text, atMs) => {
        if (!text.includes(`"authority":"${fqdn(backend)}"`)) return;
        clearTimeout(timer);
        resolve(atMs);
      };
    });
  try {
    // The first changes warm up connections and compilers of all that take part.
    for (let change = 0; change < changes + WARM_UP; change++) {
      const backend = BACKENDS[(change + 1) % 2]!;
      bench.say(`propagation: change ${change + 1} of ${changes + WARM_UP}`);
      const ours = await patched(client, GROUP, backend, prober.until(backend));
      await pause();
      const twin = await patched(client, TWIN_GROUP, backend, sawEvent(backend));
      await pause();
      if (change < WARM_UP) continue;
      times.effect.push(ours.effectMs);
      times.answer.push(ours.answerMs);
      times.watch.push(twin.effectMs);
    }
  } finally {
    endWatch();
    client.close();
    watcher.close();
  }
  return times;
}

const WARM_UP = 10;

function pause(): Promise<void> {
  return sleep(PAUSE_MS + Math.random() * SPREAD_MS);
}

async function patched(
  client: ApiClient,
  group: string,
  backend: Backend,
  effect: Promise<number>,
): Promise<{ effectMs: number; answerMs: number }> {
  const path = `${profiles(group)}/${fqdn(ECHO)}`;
  const answered = client.send('PATCH', path, destination(backend), 'application/merge-patch+json').then((answer) => ({
    answer,
    atMs: performance.now(),
  }));
  const [{ answer, atMs }, effectAtMs] = await Promise.all([answered, effect]);
  return { effectMs: effectAtMs - answer.sentMs, answerMs: atMs - answer.sentMs };
}

/** Of the measured changes: what is made of their times, and the bar of what a change takes in all. */
const FIGURES: readonly { name: string; of: (values: readonly number[]) => number; bars: readonly Bar[] }[] = [
  { name: 'mean', of: mean, bars: [either(limit(MAX_MEAN_MS), above(ABOVE_WATCH_MS, WATCH))] },
  { name: 'p50', of: share(0.5), bars: [] },
  { name: 'p99', of: share(0.99), bars: [limit(MAX_P99_MS)] },
  { name: 'max', of: share(1), bars: [either(limit(MAX_MS), above(ABOVE_WATCH_MS, WATCH))] },
];

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function share(of: number): (values: readonly number[]) => number {
  return (values) =>
    quantile(
      values.toSorted((a, b) => a - b),
      of,
    );
}

function report(count: number, changes: number, { effect, answer, watch }: Times, answers: Answers): Measurement[] {
  const line = { row: 'PROP', unit: 'ms', rival: WATCH, bars: [], stretch: null };
  const afterAnswer = effect.map((effectMs, index) => effectMs - answer[index]!);
  const what = `${count} ServiceProfiles, PATCH sent to`;
  const times = FIGURES.flatMap(({ name, of, bars }): Measurement[] => [
    {
      ...line,
      what: `${what} first answer by the new rule (beside it: to the watch event of the same PATCH without us): ${name}`,
      samples: { weft: [of(effect)], [WATCH]: [of(watch)] },
      bars,
    },
    {
      ...line,
      what: `${what} its own answer, validating webhook included: ${name}`,
      samples: { weft: [of(answer)] },
    },
    {
      ...line,
      what: `${count} ServiceProfiles, answer to the PATCH to first answer by the new rule: ${name}`,
      samples: { weft: [of(afterAnswer)] },
    },
  ]);
  const during = `of ${answers.good + answers.bad} answers during ${changes} changes`;
  const none = { ...line, unit: 'answers', rival: null, bars: [limit(0)] };
  return [
    ...times,
    { ...none, what: `${during}: not 200`, samples: { weft: [answers.bad] } },
    {
      ...none,
      what: `${during}: by the rule of before, asked after the first by the new one`,
      samples: { weft: [answers.stale] },
    },
  ];
}
