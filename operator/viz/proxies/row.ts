import { VIZ_API_VERSION, VIZ_GROUP, VIZ_VERSION } from '../../../crds/viz/group.ts';
import type { ProxyDetail, ProxyItem, ProxyList } from '../../../crds/viz/proxy-list.ts';
import { isObject } from '../../../lib/json.ts';
import { CONFIGURATION_VERB, type ConfigurationQuestion } from '../../../proxy-image/contract/control/configuration.ts';
import type { SessionReport } from '../../serve/session-report.ts';
import type { ReplicaHandler } from '../api/dispatcher.ts';
import type { AskReplicas } from '../api/replica-client.ts';
import type { ApiRow, Table } from '../api/rows.ts';
import { ApiFailure } from '../api/status.ts';
import { type Held, heldIn, itemOf, proxyOf } from './items.ts';

/** What one replica knows by itself. */
export interface OwnProxies {
  /** Pod of this replica. */
  replica: string;
  reports(namespace: string | null): readonly SessionReport[];
  report(namespace: string, pod: string): SessionReport | null;
  /** Asks the proxy of a pod on its control port. */
  ask(report: SessionReport, question: { verb: string; about: unknown }): Promise<unknown[]>;
}

const LIST = '/replica/proxies';
const ONE = '/replica/proxy';

/** Resource `proxies` of the aggregated API: each replica knows those that are connected to it. */
export function proxiesRow(own: OwnProxies, others: AskReplicas): ApiRow {
  return {
    group: VIZ_GROUP,
    version: VIZ_VERSION,
    resource: 'proxies',
    kind: 'Proxy',
    singular: 'proxy',
    namespaced: true,
    verbs: ['get', 'list'],
    async handle({ namespace, name, signal }) {
      if (name === null) {
        const list = await listOf(own, others, namespace, signal);
        return { json: list, table: () => tableOf(list.items) };
      }
      if (namespace === null) throw notFound('a proxy is one of a namespace');
      const proxy = await oneOf(own, others, namespace, name, signal);
      return { json: proxy, table: () => tableOf([proxy]) };
    },
  };
}

function tableOf(items: readonly ProxyItem[]): Table {
  return {
    columns: [
      { name: 'Name', type: 'string', description: 'Pod of the proxy.' },
      { name: 'Version', type: 'string', description: 'Of the proxy, as it says.' },
      {
        name: 'Current',
        type: 'string',
        description: 'Resources of which it has the newest, of those that it has asked for.',
      },
      { name: 'Refused', type: 'integer', description: 'Resources of which it keeps what it has, and says why.' },
      { name: 'Connected', type: 'string', description: 'Since when, in seconds.' },
      { name: 'Replica', type: 'string', description: 'Of the control plane, that it is connected to.', wide: true },
    ],
    rows: items.map(({ metadata, version, resources, behind, connectedSeconds, replica }) => ({
      ...metadata,
      cells: [
        metadata.name,
        version,
        `${resources - behind.length}/${resources}`,
        behind.filter(({ state }) => state === 'refused').length,
        `${Math.floor(connectedSeconds)}s`,
        replica,
      ],
    })),
  };
}

/** What a replica answers another one. */
interface Part {
  proxies: readonly ProxyItem[];
}

/** Paths by which replicas ask one another. */
export function proxyPaths(own: OwnProxies): Readonly<Record<string, ReplicaHandler>> {
  return {
    [LIST]: async (query): Promise<Part> => ({
      proxies: itemsOf(own, query.get('namespace')),
    }),
    [ONE]: async (query): Promise<Part> => {
      const proxy = await ownProxy(own, query.get('namespace') ?? '', query.get('name') ?? '');
      return { proxies: proxy === null ? [] : [proxy] };
    },
  };
}

async function listOf(
  own: OwnProxies,
  others: AskReplicas,
  namespace: string | null,
  signal: AbortSignal,
): Promise<ProxyList> {
  const { proxies, missing } = await ask<ProxyItem>(others, LIST, namespace === null ? {} : { namespace }, signal);
  const items = [...itemsOf(own, namespace), ...proxies];
  return { apiVersion: VIZ_API_VERSION, kind: 'ProxyList', metadata: {}, items: newest(items), missing };
}

async function oneOf(
  own: OwnProxies,
  others: AskReplicas,
  namespace: string,
  name: string,
  signal: AbortSignal,
): Promise<ProxyDetail> {
  const here = await ownProxy(own, namespace, name);
  if (here !== null) return here;
  const { proxies, missing } = await ask<ProxyDetail>(others, ONE, { namespace, name }, signal);
  const [found] = newest(proxies);
  if (found !== undefined) return found;
  const unheard = missing.length === 0 ? '' : `; no answer from ${missing.join(', ')}`;
  throw notFound(`no proxy of a pod ${name} in namespace ${namespace} is connected${unheard}`);
}

function itemsOf(own: OwnProxies, namespace: string | null): ProxyItem[] {
  return own.reports(namespace).map((report) => itemOf(report, own.replica));
}

async function ownProxy(own: OwnProxies, namespace: string, name: string): Promise<ProxyDetail | null> {
  const report = own.report(namespace, name);
  return report === null ? null : proxyOf(report, own.replica, await heldBy(own, report));
}

/** First which versions it has, and then the bodies of those that differ: a proxy may hold megabytes. */
async function heldBy(own: OwnProxies, report: SessionReport): Promise<Held> {
  const ask = async (about: ConfigurationQuestion) =>
    heldIn(await own.ask(report, { verb: CONFIGURATION_VERB, about }));
  try {
    const versions = await ask({ bodies: [] });
    const wanted = new Map(report.resources.map(({ key, wanted: version }) => [key, version]));
    const differing = versions.filter(({ key, version }) => wanted.get(key) !== version).map(({ key }) => key);
    return { type: 'told', resources: differing.length === 0 ? versions : await ask({ bodies: differing }) };
  } catch (error) {
    return { type: 'unasked', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A proxy that has gone to another replica may still be known to the one before: the younger connection is the one it has. */
function newest<P extends ProxyItem>(items: readonly P[]): P[] {
  const byName = new Map<string, P>();
  for (const item of items) {
    const name = `${item.metadata.namespace}/${item.metadata.name}`;
    const known = byName.get(name);
    if (known === undefined || item.connectedSeconds < known.connectedSeconds) byName.set(name, item);
  }
  return [...byName].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

/** Another replica is this program, whose answers are as they are declared here; what is none is passed over. */
async function ask<P extends ProxyItem>(
  others: AskReplicas,
  path: string,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ proxies: readonly P[]; missing: readonly string[] }> {
  const { answers, missing } = await others(path, query, signal);
  const parts = answers.filter((answer): answer is { proxies: P[] } => {
    return isObject(answer) && Array.isArray(answer['proxies']);
  });
  return { proxies: parts.flatMap(({ proxies }) => proxies), missing };
}

function notFound(message: string): ApiFailure {
  return new ApiFailure(404, 'WEFT_VIZ_REQUEST', message);
}
