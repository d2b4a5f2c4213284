import { runningPods } from '../faults.ts';
import { applyFile, execApp, get, kubectl, rollout, waitProgrammed } from '../kubectl.ts';
import { metricsOf, sumOf } from '../metrics.ts';
import { sleep, until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { sum } from '../traffic.ts';
import { type Called, liveCounts, liveNumbers } from './live-numbers.ts';

/** The namespace of `samples/poll`. */
const POLL = 'poll';
const WORKLOADS = ['deploy/patterns', 'deploy/ballots', 'deploy/web', 'deploy/voters'];
const SERVICES = ['web', 'patterns', 'ballots'];

/** As in samples/poll/manifests. */
const SHARE = 0.15;
const VOTES_PER_SECOND = 40;
const RUN_MS = 12_000;
const MINIMUM = 400;
/** Long enough for a proxy to have counted a response that its receiver has in full. */
const SETTLE_MS = 1000;

interface Hop {
  from: string;
  to: string;
  /** What the operations of the calls begin with in `/counts` of both ends. */
  prefix: string;
}

const HOPS: readonly Hop[] = [
  { from: 'voters', to: 'web', prefix: '' },
  { from: 'web', to: 'patterns', prefix: '/weft.poll.v1.Patterns/' },
  { from: 'web', to: 'ballots', prefix: '/weft.poll.v1.Ballots/' },
];

/** As `samples/poll/counts.ts` reports it. */
type Tally = Record<string, Record<string, number>>;

interface Pod {
  counts: { received: Tally; sent: Tally };
  metrics: string;
}

/** Every pod of the poll, by workload. */
type World = Map<string, Pod[]>;

async function observe(): Promise<World> {
  const all = [...SERVICES, 'voters'].map(async (app): Promise<[string, Pod[]]> => {
    const pods = await runningPods(app, POLL);
    return [app, await Promise.all(pods.map(({ metadata }) => observePod(metadata.name)))];
  });
  return new Map(await Promise.all(all));
}

async function observePod(name: string): Promise<Pod> {
  const [[counts], metrics] = await Promise.all([
    get(name, 'http://127.0.0.1:9000/counts', 1, POLL),
    metricsOf(name, POLL),
  ]);
  return { counts: JSON.parse(counts?.body ?? '') as Pod['counts'], metrics };
}

interface Calls {
  all: number;
  failed: number;
}

/** Endings of a gRPC call are below 100, and 0 is its success; others are of HTTP, or errors. */
const isFailure = (ending: string): boolean => !(ending === '0' || /^[1-4]\d\d$/.test(ending));

function tallied(tallies: readonly Tally[], prefix: string): Calls {
  const endings = tallies.flatMap((tally) =>
    Object.entries(tally).flatMap(([operation, ended]) => (operation.startsWith(prefix) ? Object.entries(ended) : [])),
  );
  const count = (chosen: typeof endings): number => sum(chosen.map(([, calls]) => calls));
  return { all: count(endings), failed: count(endings.filter(([ending]) => isFailure(ending))) };
}

function measured(pods: readonly Pod[], labels: Readonly<Record<string, string>>): Calls {
  const count = (more: object): number =>
    sum(pods.map(({ metrics }) => sumOf(metrics, 'response_total', { tls: 'true', ...labels, ...more })));
  return { all: count({}), failed: count({ classification: 'failure' }) };
}

/** The calls of a hop as four have counted them: caller, its proxy, the receiver's proxy, receiver. */
function seen(world: World, { from, to, prefix }: Hop): Calls[] {
  const [callers, receivers] = [world.get(from) ?? [], world.get(to) ?? []];
  const client = `${from}.${POLL}.serviceaccount.identity.linkerd.cluster.local`;
  return [
    tallied(
      callers.map(({ counts }) => counts.sent),
      prefix,
    ),
    measured(callers, { direction: 'outbound', dst_service: to, dst_namespace: POLL }),
    measured(receivers, { direction: 'inbound', client_id: client }),
    tallied(
      receivers.map(({ counts }) => counts.received),
      prefix,
    ),
  ];
}

/** Since the applications were started, or since `before`. */
function called({ from, to, prefix }: Hop, after: World, before: World = new Map()): Called {
  const sent = (world: World): Tally[] => (world.get(from) ?? []).map(({ counts }) => counts.sent);
  return { service: to, ...difference(tallied(sent(after), prefix), tallied(sent(before), prefix)) };
}

function difference(after: Calls, before: Calls | undefined): Calls {
  return { all: after.all - (before?.all ?? 0), failed: after.failed - (before?.failed ?? 0) };
}

function agreement(before: World, after: World, hop: Hop): Check {
  const earlier = seen(before, hop);
  const calls = seen(after, hop).map((each, index) => difference(each, earlier[index]));
  const [first] = calls;
  const same = calls.every(({ all, failed }) => all === first?.all && failed === first.failed);
  return check(
    `calls of ${hop.from} to ${hop.to}, over mTLS: caller, its proxy, receiver's proxy, receiver`,
    'the same four times',
    calls.map(({ all, failed }) => `${all} (${failed} failed)`).join(', '),
    same && (first?.all ?? 0) >= MINIMUM,
  );
}

/** Of the votes in the interval, as the callers' proxies counted them by the routes of the profile. */
function failing(before: World, after: World): Check[] {
  const routed = (world: World, labels: Readonly<Record<string, string>>): number => {
    const dst = `ballots.${POLL}.svc.cluster.local:8080`;
    const pods = world.get('web') ?? [];
    return sum(pods.map(({ metrics }) => sumOf(metrics, 'route_response_total', { dst, ...labels })));
  };
  const during = (labels: Readonly<Record<string, string>>): number => routed(after, labels) - routed(before, labels);
  const votes = during({}) - during({ rt_route: 'Results' });
  const stuck = during({ rt_route: 'VoteHoundstooth' });
  const failed = during({ classification: 'failure' });
  const deviation = Math.abs(stuck / votes - SHARE) / Math.sqrt((SHARE * (1 - SHARE)) / votes);
  const share = `${stuck} of ${votes} = ${((100 * stuck) / votes).toFixed(2)} % (${deviation.toFixed(1)} σ)`;
  return [
    check(
      'share of the votes by route VoteHoundstooth',
      `15 % within 4 σ, ≥ ${MINIMUM} votes`,
      share,
      deviation <= 4 && votes >= MINIMUM,
    ),
    check('calls of ballots that failed: these, and no other', String(stuck), failed, failed === stuck),
  ];
}

/** Resolves at a rate of 0 when every vote has an outcome. */
function setRate(perSecond: number): Promise<string> {
  return execApp('deploy/voters', ['ctl', 'POST', `/rate?perSecond=${perSecond}`], POLL);
}

async function votesCounted(): Promise<void> {
  await until('votes are counted', 60_000, async () => {
    const [pod] = await runningPods('ballots', POLL);
    const { counts } = await observePod(pod!.metadata.name);
    return tallied([counts.received], HOPS[2]!.prefix).all > 0 ? true : null;
  });
}

async function deploy(): Promise<void> {
  // From before, perhaps of an older image.
  await kubectl(['delete', 'namespace', POLL, '--ignore-not-found', '--timeout=90s']);
  await applyFile('samples/poll/manifests/poll.yaml', 'samples/poll/profiles.yaml');
  await rollout(POLL, ...WORKLOADS);
  await votesCounted();
  for (const service of SERVICES) {
    await waitProgrammed('serviceprofile', `${service}.${POLL}.svc.cluster.local`, 30_000, POLL);
  }
}

export const poll: Step = {
  id: 't',
  title: 'a poll over HTTP and gRPC, counted by the applications and by the mesh',
  commands: [
    'kubectl apply -f samples/poll/manifests -f samples/poll/profiles.yaml',
    'weft stat deploy -n poll',
    'weft routes svc/ballots -n poll',
    'weft edges deploy -n poll',
  ],
  async run() {
    await deploy();
    await setRate(0);
    await sleep(SETTLE_MS);
    const before = await observe();
    const told = await liveCounts(POLL);
    await setRate(VOTES_PER_SECOND);
    await sleep(RUN_MS);
    await setRate(0);
    await sleep(SETTLE_MS);
    const after = await observe();
    const live = await liveNumbers(POLL, told, {
      during: HOPS.map((hop) => called(hop, after, before)),
      ever: HOPS.map((hop) => called(hop, after)),
    });
    await kubectl(['delete', 'namespace', POLL, '--wait=false']);
    return [...HOPS.map((hop) => agreement(before, after, hop)), ...failing(before, after), ...live];
  },
};
