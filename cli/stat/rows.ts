import { child, listOf, numberOf, readMeta, textOf } from '../../crds/parse/metadata.ts';
import { ApiError, type Cluster, list, METADATA_ONLY } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import type { ResourceArgument } from '../resources/arguments.ts';
import {
  collectionOf,
  NAMESPACE,
  POD,
  POLICY_HTTP_ROUTE,
  type ResourceKind,
  SERVICE,
  TRAFFIC_SPLIT,
  WORKLOAD_KINDS,
} from '../resources/kinds.ts';
import { type Figures, NO_FIGURES } from '../traffic/figures.ts';
import { countMeshed, livingPods, type Meshed, NOT_ENDED, type Pod, podOf } from '../traffic/pods.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { podStatus } from './pod-status.ts';
import { addItem, callsOfSplits, type Ends, figuresOf, keyOf, sourceOf } from './source.ts';

export interface StatRow {
  kind: ResourceKind;
  /** Empty for a namespace. */
  namespace: string;
  name: string;
  /** Of a pod. */
  status: string | null;
  /** Of a kind whose objects have pods. */
  meshed: Meshed | null;
  /** Of a route: what it is attached to, `[default]` where that has no name. */
  server: string | null;
  /** Of a TrafficSplit. */
  split: { apex: string; leaf: string; weight: string } | null;
  figures: Figures;
}

/** What rows are wanted of. */
export interface Scope extends Ends {
  /** `null` = all. */
  namespace: string | null;
  /** Of labels; empty = any. */
  selector: string;
  /** Those without a proxy too. */
  unmeshed: boolean;
}

interface Named {
  namespace: string;
  name: string;
  raw: unknown;
}

/** Asks the API server for objects, and the control plane for what passed through their proxies. */
export class StatReader {
  readonly #cluster: Cluster;
  readonly #traffic: Traffic;
  readonly #scope: Scope;
  readonly #pods = new Map<string | null, Promise<Pod[]>>();

  constructor(cluster: Cluster, traffic: Traffic, scope: Scope) {
    this.#cluster = cluster;
    this.#traffic = traffic;
    this.#scope = scope;
  }

  /** In the order of their names. */
  async rows(argument: ResourceArgument): Promise<StatRow[]> {
    const rows = await this.#unordered(argument);
    return rows.toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
  }

  #unordered(argument: ResourceArgument): Promise<StatRow[]> {
    const { kind } = argument;
    if (kind === SERVICE) return this.#services(argument);
    if (kind === TRAFFIC_SPLIT) return this.#splits(argument);
    if (kind === POLICY_HTTP_ROUTE) return this.#routes(argument);
    const hasPods = kind === POD || kind === NAMESPACE || WORKLOAD_KINDS.includes(kind);
    return hasPods ? this.#owners(argument) : this.#policies(argument);
  }

  async #owners(argument: ResourceArgument): Promise<StatRow[]> {
    const { kind } = argument;
    const source = sourceOf(kind, this.#namespaceOf(argument), this.#scope);
    const [objects, pods, figures] = await Promise.all([
      this.#objects(argument, kind === POD),
      kind === POD ? [] : this.#livingPods(argument),
      figuresOf(this.#traffic, kind, source),
    ]);
    const meshed = countMeshed(pods, keyOfPod(kind));
    const rows = objects.map(({ namespace, name, raw }): StatRow => {
      const key = keyOf(namespace, name);
      const own =
        kind === POD ? { meshed: podOf(raw).meshed ? 1 : 0, all: 1 } : (meshed.get(key) ?? { meshed: 0, all: 0 });
      const status = kind === POD ? podStatus(raw) : null;
      return { ...EMPTY, kind, namespace, name, status, meshed: own, figures: figures.get(key) ?? NO_FIGURES };
    });
    // What has no proxy may have been called by somebody who has.
    return rows.filter(
      ({ meshed: own, figures: { requests } }) => this.#scope.unmeshed || own?.meshed !== 0 || requests !== null,
    );
  }

  /** Those that were called. Of the others there is nothing to show, in Linkerd's command as here. */
  async #services({ kind, name }: ResourceArgument): Promise<StatRow[]> {
    const { namespace, selector } = this.#scope;
    const [objects, figures] = await Promise.all([
      selector === '' ? null : this.#objects({ kind, name: null }),
      figuresOf(this.#traffic, kind, sourceOf(kind, namespace, this.#scope)),
    ]);
    const selected = objects === null ? null : new Set(objects.map((object) => keyOf(object.namespace, object.name)));
    return [...figures].flatMap(([key, own]): StatRow[] => {
      const [within = '', service = ''] = key.split('/');
      const isWanted = (name ?? service) === service && (namespace ?? within) === within && service !== '';
      if (!isWanted || selected?.has(key) === false) return [];
      return [{ ...EMPTY, kind, namespace: within, name: service, figures: own }];
    });
  }

  async #policies(argument: ResourceArgument): Promise<StatRow[]> {
    const { kind } = argument;
    const source = sourceOf(kind, this.#scope.namespace, this.#scope);
    const [objects, figures] = await Promise.all([this.#objects(argument), figuresOf(this.#traffic, kind, source)]);
    return objects.map(({ namespace, name }) => {
      return { ...EMPTY, kind, namespace, name, figures: figures.get(keyOf(namespace, name)) ?? NO_FIGURES };
    });
  }

  /** A row for each Server that a route has had requests at. */
  async #routes(argument: ResourceArgument): Promise<StatRow[]> {
    const { kind } = argument;
    this.#refuseEnds(kind);
    const [objects, items] = await Promise.all([
      this.#objects(argument),
      this.#traffic.ask({
        namespace: this.#scope.namespace,
        by: ['namespace', 'routeKind', 'routeName', 'serverKind', 'serverName', 'counted'],
        where: { direction: 'inbound' },
        owner: 'reporter',
      }),
    ]);
    const figures = new Map<string, Figures>();
    const servers = new Map<string, string>();
    for (const item of items) {
      if (item.label('routeKind') !== kind.kind) continue;
      const own = keyOf(item.label('namespace'), item.label('routeName'));
      const key = `${own}/${item.label('serverKind')}/${item.label('serverName')}`;
      servers.set(key, item.label('serverKind') === 'default' ? '[default]' : item.label('serverName'));
      addItem(figures, key, item, 'requests');
    }
    return objects.flatMap(({ namespace, name }): StatRow[] => {
      const found = [...figures].filter(([key]) => key.startsWith(`${keyOf(namespace, name)}/`));
      const rows = found.map(([key, own]) => ({ server: servers.get(key) ?? '', figures: own }));
      if (rows.length === 0) rows.push({ server: '', figures: NO_FIGURES });
      return rows.map((row) => ({ ...EMPTY, kind, namespace, name, ...row }));
    });
  }

  /** A row for each leaf, by the requests of clients that ended there. */
  async #splits(argument: ResourceArgument): Promise<StatRow[]> {
    const { kind } = argument;
    const calls = callsOfSplits(kind, this.#scope.namespace, this.#scope);
    const [objects, items] = await Promise.all([
      this.#objects(argument, true),
      this.#traffic.ask({ ...calls, by: ['serviceNamespace', 'serviceName', 'backendName', 'counted'] }),
    ]);
    const figures = new Map<string, Figures>();
    for (const item of items) {
      const apex = keyOf(item.label('serviceNamespace'), item.label('serviceName'));
      addItem(figures, `${apex}/${item.label('backendName')}`, item, 'requests');
    }
    return objects.flatMap(({ namespace, name, raw }) => {
      const spec = child(raw, 'spec');
      const apex = textOf(spec, 'service');
      return listOf(spec, 'backends').map((backend): StatRow => {
        const leaf = textOf(backend, 'service');
        const split = { apex, leaf, weight: textOf(backend, 'weight') || String(numberOf(backend, 'weight')) };
        const own = figures.get(`${keyOf(namespace, apex)}/${leaf}`) ?? NO_FIGURES;
        return { ...EMPTY, kind, namespace, name, split, figures: own };
      });
    });
  }

  #refuseEnds(kind: ResourceKind): void {
    const { to, from } = this.#scope;
    if (to === null && from === null) return;
    throw new CliError('WEFT_CLI_USAGE', `${kind.plural} have no --to and no --from`);
  }

  /** What is asked for, with labels and owners; `whole` = with everything else. @throws CliError WEFT_CLI_NOT_FOUND */
  async #objects({ kind, name }: ResourceArgument, whole = false): Promise<Named[]> {
    const { namespace, selector } = this.#scope;
    const fields = [...(name === null ? [] : [`metadata.name=${name}`]), ...(kind === POD ? [NOT_ENDED] : [])];
    const query = {
      ...(selector === '' ? {} : { labelSelector: selector }),
      ...(fields.length === 0 ? {} : { fieldSelector: fields.join(',') }),
    };
    const path = collectionOf(kind, namespace);
    const found = await list<unknown>(this.#cluster, path, query, whole ? undefined : METADATA_ONLY).catch(none);
    if (found.length === 0 && name !== null && selector === '') {
      const where = namespace === null || kind === NAMESPACE ? '' : ` in namespace ${namespace}`;
      throw new CliError('WEFT_CLI_NOT_FOUND', `${kind.kind} ${name}${where}`);
    }
    return found.map((raw) => {
      const { namespace: within, name: own } = readMeta(raw);
      return { namespace: within, name: own, raw };
    });
  }

  #livingPods(argument: ResourceArgument): Promise<Pod[]> {
    const namespace = this.#namespaceOf(argument);
    const pods = this.#pods.get(namespace) ?? livingPods(this.#cluster, namespace);
    this.#pods.set(namespace, pods);
    return pods;
  }

  /** A namespace lies in none: all are looked at, unless one is named. */
  #namespaceOf({ kind, name }: ResourceArgument): string | null {
    return kind === NAMESPACE ? name : this.#scope.namespace;
  }
}

const EMPTY = { status: null, meshed: null, server: null, split: null };

/** A definition that the cluster does not have has no objects. */
function none(error: unknown): unknown[] {
  if (error instanceof ApiError && error.status === 404) return [];
  throw error;
}

function keyOfPod(kind: ResourceKind): (pod: Pod) => string | null {
  if (kind === NAMESPACE) return ({ namespace }) => keyOf('', namespace);
  return ({ namespace, owner }) => (owner.kind === kind.kind ? keyOf(namespace, owner.name) : null);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
