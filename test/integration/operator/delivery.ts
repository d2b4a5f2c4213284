import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { manifestFiles } from '../../../crds/manifest.ts';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { deliveryDefinitions } from '../../../hack/delivery/definitions.ts';
import type { ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { decideBy } from '../../support/routes/decide.ts';
import type { Outcome } from '../../support/routes/interpret.ts';
import type { RouteRequest } from '../../support/routes/row.ts';
import { RawApi } from '../crds/raw-api.ts';
import type { ProxyClient } from '../serve/proxy-client.ts';
import { Cluster, Plane } from './plane.ts';

export const NAMESPACE = 'shop';
const JUDGED = 'controller_runtime_webhook_requests_total{webhook="/validate",code="200"}';
/** From a write to the decisions of a proxy; the machine may be busy. */
const PROPAGATED_MS = 5_000;
const PORT = 80;

export type Headers = (readonly [name: string, value: string])[];
/** Of a proxy: in percent by Service; `invalid` is what it answers itself. */
export type Shares = Record<string, number>;

const PARENT = { parentRefs: [{ group: '', kind: 'Service', name: 'web' }] };
const UNREADABLE = [{ type: 'RegularExpression', name: 'x-version', value: '(' }];
/** What the definitions alone would let pass and the webhook refuses, by the path of its kind. */
const REFUSED = [
  ['gateway.networking.k8s.io/v1', 'HTTPRoute', { ...PARENT, rules: [{ matches: [{ headers: UNREADABLE }] }] }],
  ['gateway.networking.k8s.io/v1', 'GRPCRoute', { ...PARENT, rules: [{ matches: [{ headers: UNREADABLE }] }] }],
  ['split.smi-spec.io/v1alpha1', 'TrafficSplit', { service: 'web.elsewhere', backends: [] }],
] as const;

/** API server, operator, and a proxy of the same namespace: where tools of progressive delivery move canaries. The webhook judges everything that they write. */
export class DeliveryWorld {
  readonly cluster: Cluster;
  readonly plane: Plane;
  readonly #api: TestApiServer;
  #proxy: ProxyClient | null = null;
  #endpoints = 0;

  private constructor(api: TestApiServer, cluster: Cluster, plane: Plane) {
    this.#api = api;
    this.cluster = cluster;
    this.plane = plane;
  }

  static async start(): Promise<DeliveryWorld> {
    const api = await startApiServer();
    const cluster = new Cluster(api);
    await installGatewayApi(api);
    const port = await freePort();
    const flags = ['--webhook-port', String(port), '--webhook-url', `https://127.0.0.1:${port}`];
    const plane = await new Plane(api, 'op-0', { flags, timing: { absentMs: 200 } }).start();
    const world = new DeliveryWorld(api, cluster, plane);
    await plane.ready();
    await cluster.apply('namespaces', '', NAMESPACE, {});
    await cluster.apply('meshes', '', 'default', { spec: { validation: { failurePolicy: 'Fail' } } });
    await world.#webhookJudges();
    await world.#startProxy();
    return world;
  }

  async stop(): Promise<void> {
    await this.#proxy?.close();
    await this.plane.stop();
    await this.cluster.close();
    await this.#api.stop();
  }

  get proxy(): ProxyClient {
    if (this.#proxy === null) throw new Error('no proxy yet');
    return this.#proxy;
  }

  /** Writes that the webhook has judged so far. */
  judged(): Promise<number> {
    return this.plane.metric(JUDGED);
  }

  async addService(name: string, appProtocol = 'http'): Promise<void> {
    const ports = [{ name: 'main', port: PORT, appProtocol }];
    await this.cluster.apply('services', NAMESPACE, name, { spec: { selector: { app: name }, ports } });
    await this.addEndpoint(name);
  }

  /** A pod that is ready, of a Service that need not be there yet. */
  async addEndpoint(service: string): Promise<void> {
    this.#endpoints++;
    const addresses = [`10.1.${Math.floor(this.#endpoints / 250)}.${1 + (this.#endpoints % 250)}`];
    await this.cluster.apply('endpointslices', NAMESPACE, service, {
      metadata: { labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      ports: [{ name: 'main', port: 8080, protocol: 'TCP' }],
      endpoints: [{ addresses, conditions: { ready: true } }],
    });
  }

  /** What the API server says of a sample's objects, against the definitions of its tool; nothing where it takes every field of them. */
  async refusals(sample: 'flagger' | 'argo-rollouts'): Promise<string[]> {
    const api = new RawApi(this.#api);
    try {
      // Server-side apply would refuse Flagger's, whose descriptions are cut into keys by their commas.
      for (const definition of await deliveryDefinitions(sample)) await api.create(definition);
      const refused: string[] = [];
      for (const { apiVersion, kind, metadata, ...content } of objectsOf(sample)) {
        if (metadata.namespace !== undefined) await api.createNamespace(metadata.namespace);
        const body = { apiVersion, kind, metadata: { ...metadata, name: `${metadata.name}-tried` }, ...content };
        const { status, body: answer } = await api.send(
          'POST',
          `${pathOf(body)}?dryRun=All&fieldValidation=Strict`,
          body,
        );
        if (status !== 201) refused.push(`${kind} ${metadata.name}: ${String(answer['message'])}`);
      }
      return refused;
    } finally {
      api.close();
    }
  }

  /** The proxy is told of the Service from now on. */
  async follow(service: string): Promise<void> {
    const key = await this.key(service);
    this.proxy.send({ type: 'subscribe', keys: [key] });
    await this.proxy.until(() => this.proxy.held.has(key), `Service ${service}`);
  }

  async key(service: string): Promise<string> {
    return `service/${await this.#address(service)}:${PORT}`;
  }

  /** What the proxy makes of a request to the Service by what it was told. */
  async decision(service: string, request: RouteRequest): Promise<Outcome> {
    const ip = await this.#address(service);
    const { version, body } = this.proxy.held.get(await this.key(service))!;
    return decideBy({ version, body: body as ServiceDestination }, { ip, port: PORT }, request).outcome;
  }

  /** Waits until the proxy gives such requests to Services in these shares. */
  async shared(service: string, shares: Shares, request: RouteRequest): Promise<void> {
    const present = async () => (await this.decision(service, request)).shares;
    const equal = async () => isDeepStrictEqual(await present(), shares);
    await eventually('the shares', equal, PROPAGATED_MS).catch(async () => {
      expect(await present()).to.deep.equal(shares);
    });
  }

  async #address(service: string): Promise<string> {
    const { spec } = await this.cluster.get('services', NAMESPACE, service);
    return (spec as { clusterIP: string }).clusterIP;
  }

  async #webhookJudges(): Promise<void> {
    for (const [apiVersion, kind, spec] of REFUSED) {
      const path = `/apis/${apiVersion}/namespaces/${NAMESPACE}/${kind.toLowerCase()}s?dryRun=All`;
      const body = { apiVersion, kind, metadata: { name: 'try' }, spec };
      await eventually(`the webhook judges every ${kind}`, async () => {
        const refusal = await this.cluster.create(path, body).then(() => '', String);
        return refusal.includes('validator.webhooks.weft.dev');
      });
    }
  }

  async #startProxy(): Promise<void> {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
    await this.cluster.create(path, { metadata: { name: 'default' } }).catch(() => {});
    const spec = { serviceAccountName: 'default', containers: [{ name: 'app', image: 'app' }] };
    await this.cluster.apply('pods', NAMESPACE, 'client', { spec });
    this.#proxy = await this.plane.proxy(NAMESPACE, 'client');
  }
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  [field: string]: unknown;
}

const SAMPLES = join(import.meta.dirname, '..', '..', '..', 'samples', 'delivery');

/** Every object of a sample, file by file. */
export function objectsOf(sample: 'flagger' | 'argo-rollouts'): Manifest[] {
  const files = manifestFiles(join(SAMPLES, sample));
  return files.flatMap((file) => parseAllDocuments(readFileSync(file, 'utf8')).map((each) => each.toJS() as Manifest));
}

function pathOf({ apiVersion, kind, metadata: { namespace } }: Manifest): string {
  const plural = `${kind.toLowerCase().replace(/y$/, 'ie')}s`;
  const collection = namespace === undefined ? plural : `namespaces/${namespace}/${plural}`;
  return `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}/${collection}`;
}

/** From percents of two Services to what a proxy is expected to say. */
export function sharesOf(percents: Shares): Shares {
  return Object.fromEntries(Object.entries(percents).filter(([, share]) => share > 0));
}

/** Whether everything that was written is there unchanged; the API server may have added defaults. */
export function keeps(stored: unknown, written: unknown): boolean {
  if (typeof stored !== 'object' || stored === null || typeof written !== 'object' || written === null) {
    return stored === written;
  }
  if (Array.isArray(written) && written.length !== (stored as unknown[]).length) return false;
  return Object.entries(written).every(([field, value]) => keeps((stored as Record<string, unknown>)[field], value));
}
