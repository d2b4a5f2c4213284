import { runningPods } from './faults.ts';
import { applyFile, execApp, get, kubectl, rollout, waitProgrammed } from './kubectl.ts';
import { metricsOf, sumOf } from './metrics.ts';
import { until } from './shell.ts';
import { sum } from './traffic.ts';

/** The namespace of `samples/poll`. */
export const POLL = 'poll';
const WORKLOADS = ['deploy/patterns', 'deploy/ballots', 'deploy/web', 'deploy/voters'];
const SERVICES = ['web', 'patterns', 'ballots'];

export interface Hop {
  from: string;
  to: string;
  /** What the operations of the calls begin with in `/counts` of both ends. */
  prefix: string;
}

export const HOPS: readonly Hop[] = [
  { from: 'voters', to: 'web', prefix: '' },
  { from: 'web', to: 'patterns', prefix: '/weft.poll.v1.Patterns/' },
  { from: 'web', to: 'ballots', prefix: '/weft.poll.v1.Ballots/' },
];

/** As `samples/poll/counts.ts` reports it. */
export type Tally = Record<string, Record<string, number>>;

export interface Pod {
  counts: { received: Tally; sent: Tally };
  metrics: string;
}

/** Every pod of the poll, by workload. */
export type World = Map<string, Pod[]>;

export async function observe(): Promise<World> {
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

export interface Calls {
  all: number;
  failed: number;
}

/** Endings of a gRPC call are below 100, and 0 is its success; others are of HTTP, or errors. */
const isFailure = (ending: string): boolean => !(ending === '0' || /^[1-4]\d\d$/.test(ending));

export function tallied(tallies: readonly Tally[], prefix: string): Calls {
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
export function seen(world: World, { from, to, prefix }: Hop): Calls[] {
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

export function difference(after: Calls, before: Calls | undefined): Calls {
  return { all: after.all - (before?.all ?? 0), failed: after.failed - (before?.failed ?? 0) };
}

/** Resolves at a rate of 0 when every vote has an outcome. */
export function setRate(perSecond: number): Promise<string> {
  return execApp('deploy/voters', ['ctl', 'POST', `/rate?perSecond=${perSecond}`], POLL);
}

async function votesCounted(): Promise<void> {
  await until('votes are counted', 60_000, async () => {
    const [pod] = await runningPods('ballots', POLL);
    const { counts } = await observePod(pod!.metadata.name);
    return tallied([counts.received], HOPS[2]!.prefix).all > 0 ? true : null;
  });
}

/** From nothing, with the profiles in force and votes being counted. Returns when nothing was there yet, as `performance.now()` has it. */
export async function deployPoll(): Promise<number> {
  // From before, perhaps of an older image.
  await kubectl(['delete', 'namespace', POLL, '--ignore-not-found', '--timeout=90s']);
  const startedMs = performance.now();
  await applyFile('samples/poll/manifests/poll.yaml', 'samples/poll/profiles.yaml');
  await rollout(POLL, ...WORKLOADS);
  await votesCounted();
  for (const service of SERVICES) {
    await waitProgrammed('serviceprofile', `${service}.${POLL}.svc.cluster.local`, 30_000, POLL);
  }
  return startedMs;
}
