import type { Dimension } from '../../../crds/viz/dimensions.ts';
import { VIZ_API_VERSION, VIZ_GROUP, VIZ_VERSION } from '../../../crds/viz/group.ts';
import {
  type TrafficItem,
  type TrafficList,
  type TrafficQuestion,
  trafficParameters,
} from '../../../crds/viz/traffic-list.ts';
import { readTrafficQuestion } from '../../../crds/viz/traffic-question.ts';
import { COUNTER } from '../../../proxy-image/contract/traffic/counters.ts';
import type { Group, LiveNumbers } from '../live.ts';
import { mergeParts, partOf, type TrafficPart } from '../window/part.ts';
import type { ReplicaHandler } from './dispatcher.ts';
import type { Pace } from './pace.ts';
import type { AskReplicas } from './replica-client.ts';
import type { ApiRow, Table } from './rows.ts';
import { ApiFailure } from './status.ts';

export interface TrafficOptions {
  /** Of this replica. */
  replica: string;
  /** `null`: no proxy is connected to this one. */
  live: Pick<LiveNumbers, 'query' | 'look'> | null;
  askReplicas: AskReplicas;
  /** Adding up is the operator's whole process for as long as it lasts. */
  pace: Pick<Pace, 'run'>;
}

/** Where a replica asks another for its part. */
export const TRAFFIC_PART_PATH = '/replica/traffic';
/** What is more is no answer to a question that a person has; made whole, it would take the memory of many. */
const MAX_ITEMS = 20_000;
const MS_PER_SECOND = 1_000;
const LATENCIES = ['p50', 'p95', 'p99'] as const;
const ENDS = ['success', 'failure', 'timedOut', 'unanswered'] as const;
const COUNTERS = Object.entries(COUNTER) as [keyof typeof COUNTER, number][];

/** Resource `traffic`: what the proxies of all replicas have counted, put together as was asked. */
export function trafficRow(options: TrafficOptions): ApiRow {
  return {
    group: VIZ_GROUP,
    version: VIZ_VERSION,
    resource: 'traffic',
    kind: 'TrafficList',
    singular: 'traffic',
    namespaced: true,
    verbs: ['list'],
    async handle({ namespace, query, signal }) {
      const question = within(questionOf(query), namespace);
      const [own, others] = await Promise.all([
        ownPart(options, question, signal),
        options.askReplicas(TRAFFIC_PART_PATH, trafficParameters(question), signal),
      ]);
      const parts: unknown[] = own === null ? others.answers : [own, ...others.answers];
      const expected = own === null ? others.asked : [options.replica, ...others.asked];
      const { groups, missing } = mergeParts(expected, question.by, parts);
      const list = listOf(question, groups, missing);
      return { json: list, table: () => tableOf(list) };
    },
  };
}

/** What is asked with the path above: of the whole cluster, for whoever asks is the control plane itself. */
export function trafficPart(options: TrafficOptions): ReplicaHandler {
  return async (query, signal) => {
    const question = questionOf(query);
    return (await ownPart(options, question, signal)) ?? partOf(options.replica, question.by, []);
  };
}

function questionOf(query: URLSearchParams): TrafficQuestion {
  const { question, problem } = readTrafficQuestion(query);
  if (question === null) throw new ApiFailure(400, 'WEFT_VIZ_REQUEST', problem);
  return question;
}

/** A question of one namespace is answered of nothing else, whatever its filters say: that is all that its user may see. */
function within(question: TrafficQuestion, namespace: string | null): TrafficQuestion {
  if (namespace === null) return question;
  const dimension: Dimension = question.owner === 'service' ? 'serviceNamespace' : 'namespace';
  const wanted = question.where[dimension] ?? namespace;
  if (wanted !== namespace) {
    const message = `where.${dimension} is another namespace than that of the path, ${JSON.stringify(namespace)}`;
    throw new ApiFailure(400, 'WEFT_VIZ_REQUEST', message);
  }
  return { ...question, where: { ...question.where, [dimension]: namespace } };
}

async function ownPart(
  { replica, live, pace }: TrafficOptions,
  { by, where, seconds }: TrafficQuestion,
  signal: AbortSignal,
): Promise<TrafficPart | null> {
  if (live === null) return null;
  live.look();
  return pace.run(() => partOf(replica, by, live.query({ by, where, lastMs: seconds * MS_PER_SECOND })), signal);
}

function listOf({ by, seconds }: TrafficQuestion, groups: readonly Group[], missing: readonly string[]): TrafficList {
  if (groups.length > MAX_ITEMS) {
    const message = `the answer would have ${groups.length} items, more than ${MAX_ITEMS}: ask by fewer dimensions, or with a filter`;
    throw new ApiFailure(400, 'WEFT_VIZ_REQUEST', message);
  }
  return {
    apiVersion: VIZ_API_VERSION,
    kind: 'TrafficList',
    metadata: {},
    by,
    seconds,
    items: groups.map(itemOf),
    missing: missing.toSorted(),
  };
}

/** What a person looks for first. `stat` of the command shows it better; this is there for whoever has nothing but `kubectl`. */
function tableOf({ by, items }: TrafficList): Table {
  return {
    columns: [
      ...by.map((name) => ({ name, type: 'string' as const, description: `Dimension ${name}.` })),
      { name: 'Success', type: 'string', description: 'Share of what has ended that is no failure.' },
      { name: 'RPS', type: 'string', description: 'Ended a second.' },
      ...LATENCIES.map((name) => ({
        name: name.toUpperCase(),
        type: 'string' as const,
        description: 'Time to the first byte of the body of the response.',
      })),
    ],
    rows: items.map(({ labels, counts, seconds, latencyMs }) => {
      const ended = ENDS.reduce((sum, end) => sum + counts[end], 0);
      const success = ended === 0 ? '-' : `${((100 * counts.success) / ended).toFixed(2)}%`;
      const rate = seconds === 0 ? '-' : (ended / seconds).toFixed(1);
      const latencies = LATENCIES.map((name) => (latencyMs[name] === null ? '-' : `${Math.round(latencyMs[name])}ms`));
      return { name: labels.join('/'), cells: [...labels, success, rate, ...latencies] };
    }),
  };
}

function itemOf({ labels, sum }: Group): TrafficItem {
  const counts = Object.fromEntries(COUNTERS.map(([name]) => [name, sum.count(name)]));
  return {
    labels,
    proxies: sum.proxies,
    seconds: sum.seconds,
    counts: counts as TrafficItem['counts'],
    latencyMs: { p50: sum.latencyMs(0.5), p95: sum.latencyMs(0.95), p99: sum.latencyMs(0.99) },
  };
}
