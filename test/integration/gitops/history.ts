import { setTimeout as sleep } from 'node:timers/promises';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { resourcePath } from '../../../operator/kube/resources.ts';
import { RestClient } from '../../../operator/kube/rest.ts';
import { failureOf } from '../../../operator/runtime/errors.ts';
import { rowOf } from '../../support/kinds.ts';
import { randomOf } from '../../support/random.ts';
import { kubeConfigOf, Plane } from '../operator/plane.ts';
import type { Objects } from './oracle.ts';
import { damaged, JUDGED, MESH_SUBJECT, SERVICES, type Seen, type Subject, subjects } from './variants.ts';

const DEADLINE_MS = 10_000;
const FLAGS = ['--roles', 'controllers,config,identity'];

/** Whole numbers below `count`. */
export type Pick = (count: number) => number;

export function pickOf(seed: number): Pick {
  const random = randomOf(seed);
  return (count) => Math.floor(random() * count);
}

/** What users and others do to objects, each history in a namespace of its own. */
export class World {
  readonly #config;
  readonly #rest: RestClient;

  constructor(api: TestApiServer) {
    this.#config = kubeConfigOf(api);
    this.#rest = new RestClient(this.#config);
  }

  close(): Promise<void> {
    return this.#config.close();
  }

  async open(namespace: string): Promise<void> {
    await this.#send('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
    for (const name of SERVICES) {
      await this.#addService(namespace, name);
      await this.#send('POST', `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, sliceOf(name));
    }
  }

  /** Leaves nothing for the histories that follow. */
  async clear(namespaces: readonly string[]): Promise<void> {
    for (const { group, watched: version, plural, scope } of JUDGED) {
      const scopes = scope === 'Cluster' ? [''] : namespaces;
      for (const each of scopes) await this.#send('DELETE', resourcePath({ group, version, plural }, each));
    }
    for (const each of namespaces) await this.#send('DELETE', `/api/v1/namespaces/${each}/services`);
  }

  /** One thing that happens in a history. */
  async step(namespace: string, pick: Pick): Promise<void> {
    const all = subjects(namespace);
    const subject = all[pick(all.length)]!;
    switch (pick(10)) {
      case 0:
        return this.#toggleService(namespace, SERVICES[pick(SERVICES.length)]!);
      case 1:
        return this.#remove(namespace, subject);
      case 2:
        await this.#remove(namespace, subject);
        return this.apply(namespace, subject, pick);
      case 3:
      case 4:
        return this.#damage(namespace, subject, pick);
      default:
        return this.apply(namespace, subject, pick);
    }
  }

  stepOfMesh(pick: Pick): Promise<void> {
    return pick(4) === 0 ? this.#damage('', MESH_SUBJECT, pick) : this.apply('', MESH_SUBJECT, pick);
  }

  async apply(namespace: string, { id, name, specs }: Subject, pick: Pick): Promise<void> {
    const row = rowOf(id);
    const { group, watched, kind } = row;
    const body = { apiVersion: `${group}/${watched}`, kind, metadata: { name }, spec: specs[pick(specs.length)] };
    const query = { fieldManager: 'history', force: 'true' };
    await this.#send('PATCH', pathOf(row, namespace, name), body, 'application/apply-patch+yaml', query);
  }

  async objects(): Promise<Objects> {
    const rows = KINDS.filter(({ kind }) => kind !== 'Pod');
    const lists = await Promise.all(
      rows.map(async (row) => {
        const { group, watched, kind } = row;
        const { items } = (await this.#send('GET', pathOf(row, '', ''))) as { items: Seen[] };
        const apiVersion = group === '' ? watched : `${group}/${watched}`;
        return [row, items.map((item) => ({ apiVersion, kind, ...item }))] as const;
      }),
    );
    return new Map(lists);
  }

  /** The newest there is. */
  async revision(): Promise<number> {
    const list = (await this.#send('GET', '/api/v1/namespaces')) as { metadata: { resourceVersion: string } };
    return Number(list.metadata.resourceVersion);
  }

  async #toggleService(namespace: string, name: string): Promise<void> {
    const removed = await this.#send('DELETE', `/api/v1/namespaces/${namespace}/services/${name}`);
    if (removed === null) await this.#addService(namespace, name);
  }

  async #addService(namespace: string, name: string): Promise<void> {
    const ports = [{ name: 'http', port: 80 }];
    const body = { metadata: { name }, spec: { selector: { app: name }, ports } };
    await this.#send('POST', `/api/v1/namespaces/${namespace}/services`, body);
  }

  async #remove(namespace: string, { id, name }: Subject): Promise<void> {
    await this.#send('DELETE', pathOf(rowOf(id), namespace, name));
  }

  async #damage(namespace: string, { id, name }: Subject, pick: Pick): Promise<void> {
    const row = rowOf(id);
    const path = pathOf(row, namespace, name);
    const held = (await this.#send('GET', path)) as Seen | null;
    const status = damaged(row, held ?? {}, pick);
    if (held !== null) await this.#send('PUT', `${path}/status`, { ...held, status }).catch(unlessInvalid);
  }

  /** `null` where there is no such object, or another version of it by now. */
  async #send(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: object,
    contentType?: string,
    query?: Record<string, string>,
  ): Promise<unknown> {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const optional = {
      ...(contentType === undefined ? {} : { contentType }),
      ...(query === undefined ? {} : { query }),
    };
    try {
      return await this.#rest.json<unknown>({ method, path, body, signal, ...optional });
    } catch (error) {
      if (failureOf(error) === 'NotFound' || failureOf(error) === 'Conflict') return null;
      throw error;
    }
  }
}

/** The definitions refuse some of what a status might be damaged to. */
function unlessInvalid(error: unknown): void {
  if (failureOf(error) !== 'Invalid') throw error;
}

/** Of a Service that somebody answers for. */
function sliceOf(service: string): object {
  return {
    metadata: { name: service, labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80 }],
    endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
  };
}

function pathOf({ group, watched: version, plural }: KindRow, namespace: string, name: string): string {
  return resourcePath({ group, version, plural }, namespace, name);
}

/** Replicas of the operator, which come and go. */
export class Operators {
  /** Between these revisions no operator ran: `[from, to]`. */
  readonly absences: { from: number; to: number }[] = [];
  readonly #api: TestApiServer;
  readonly #world: World;
  #running: Plane[] = [];
  #count = 0;

  constructor(api: TestApiServer, world: World) {
    this.#api = api;
    this.#world = world;
    this.absences.push({ from: 0, to: Number.POSITIVE_INFINITY });
  }

  get isRunning(): boolean {
    return this.#running.length > 0;
  }

  async start(): Promise<void> {
    if (!this.isRunning) this.absences.at(-1)!.to = await this.#world.revision();
    // Not until it is ready: with a Mesh that asks for an issuer that is not there, a new one never is. What it has to say of objects, it says all the same.
    this.#running.push(await new Plane(this.#api, `op-${this.#count++}`, { flags: FLAGS }).start());
  }

  /** The oldest goes, which is the leader mostly. */
  async stop(): Promise<void> {
    const oldest = this.#running.shift();
    await oldest?.stop();
    if (oldest === undefined || this.isRunning) return;
    await sleep(50);
    this.absences.push({ from: await this.#world.revision(), to: Number.POSITIVE_INFINITY });
  }

  async stopAll(): Promise<void> {
    while (this.isRunning) await this.stop();
  }

  /** One thing that happens to them. */
  async step(pick: Pick): Promise<void> {
    switch (pick(6)) {
      case 0:
        return this.#running.length < 2 ? this.start() : undefined;
      case 1:
        return this.stop();
      case 2:
        // A rollout: the new one is there before the old one goes.
        await this.start();
        return this.#running.length > 1 ? this.stop() : undefined;
      default:
        return;
    }
  }
}
