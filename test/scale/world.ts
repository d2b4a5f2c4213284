import { setTimeout as sleep } from 'node:timers/promises';
import { startApiServer, type TestApiServer } from '../../hack/apiserver/server.ts';
import { ISSUER_SECRET, readAuthority } from '../../operator/pki/secrets.ts';
import { serviceAccountIdentity } from '../../proxy-image/contract/names.ts';
import { OPERATOR_PORTS } from '../../proxy-image/contract/ports.ts';
import { Programs } from '../bench/host/programs.ts';
import { ApiClient } from '../bench/propagation/api-client.ts';
import { Cluster } from '../integration/operator/plane.ts';
import { createLeaf, type TestAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { Changes } from './changes.ts';
import { Churn } from './churn.ts';
import { sum } from './distribution.ts';
import { fill } from './fill.ts';
import { Fleet } from './fleet.ts';
import { giveAddresses, makeImage, Operators } from './operators.ts';
import { Troupe } from './proxies/troupe.ts';
import type { Load, Size } from './size.ts';
import { Traces } from './trace.ts';
import { BareWatch } from './watch.ts';

const HOSTS = ['10.2.0.1', '10.2.0.2', '10.2.0.3'];
const OPERATOR_IDENTITY = serviceAccountIdentity('weft-operator', 'weft-system', 'linkerd.cluster.local');
const CONNECTIONS = 32;
const CONNECT_MS = 300_000;
const QUIET_MS = 10_000;
const SALTS = 100_000;
const WRITES = 'rest_client_requests_total';

export interface WorldOptions {
  size: Size;
  load: Load;
  /** Of logs, bundle, profiles. */
  directory: string;
  /** Of etcd; null: a temporary one. One that was filled before is not filled again. */
  data: string | null;
  profile: boolean;
  /** Processes that play proxies. */
  processes: number;
  /** Statuses of all objects are written when an operator sees them for the first time, and when proxies have connected: waited for so long at most. */
  settleSeconds: number;
  say(text: string): void;
}

/** Everything that takes part: API server with etcd, the replicas, the proxies, and what changes the cluster. */
export class World {
  readonly fleet: Fleet;
  readonly operators: Operators;
  readonly troupe: Troupe;
  readonly traces = new Traces();
  readonly churn: Churn;
  readonly #options: WorldOptions;
  readonly #api: TestApiServer;
  readonly #client: ApiClient;
  readonly #watch = new BareWatch();
  readonly #programs: Programs;

  private constructor(options: WorldOptions, api: TestApiServer) {
    const { size, load, directory, profile } = options;
    this.#options = options;
    this.#api = api;
    this.#client = new ApiClient(api, CONNECTIONS);
    this.#programs = new Programs();
    this.fleet = new Fleet(size);
    const image = makeImage(directory, profile);
    this.operators = new Operators({ api, programs: this.#programs, image, directory, profile, hosts: HOSTS });
    this.troupe = new Troupe(options.processes, (arrival) => this.traces.arrived(arrival));
    const changes = new Changes(this.fleet, Math.floor(Math.random() * SALTS));
    this.churn = new Churn({ client: this.#client, changes, watch: this.#watch, load, traces: this.traces });
  }

  static async start(options: WorldOptions): Promise<World> {
    giveAddresses(HOSTS);
    const api = await startApiServer(options.data === null ? {} : { directory: options.data });
    const world = new World(options, api);
    try {
      await world.#begin();
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  get serverPids(): number[] {
    return this.#api.pids();
  }

  async #begin(): Promise<void> {
    const { say } = this.#options;
    const cluster = new Cluster(this.#api);
    await cluster.installDefinitions();
    // Those of a run before would be asked, and nobody is there yet.
    for (const kind of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) {
      await cluster.remove(`/apis/admissionregistration.k8s.io/v1/${kind}/weft-operator`).catch(() => undefined);
    }
    await fill(this.#client, this.fleet, say);
    await cluster.close();
    await this.lead(HOSTS.map((_, at) => at));
    say('three replicas start');
    await this.operators.start();
    await this.#watch.open(this.#client);
    this.#cast(await this.#authority());
  }

  /** What the EndpointSlice controller and kube-proxy do: the operator's Service leads to these of its replicas. */
  async lead(replicas: number[]): Promise<void> {
    this.troupe.say({ type: 'lead', replicas });
    const cluster = new Cluster(this.#api);
    await cluster.apply('endpointslices', 'weft-system', 'weft-operator-replicas', this.#replicaSlice(replicas));
    await cluster.close();
  }

  #replicaSlice(replicas: readonly number[]): object {
    return {
      metadata: { labels: { 'kubernetes.io/service-name': 'weft-operator' } },
      addressType: 'IPv4',
      ports: [
        { name: 'config', port: OPERATOR_PORTS.config },
        { name: 'viz', port: OPERATOR_PORTS.viz },
      ],
      endpoints: this.operators.names.map((name, at) => ({
        addresses: [HOSTS[at]],
        conditions: { ready: replicas.includes(at), serving: true, terminating: !replicas.includes(at) },
        targetRef: { kind: 'Pod', name, namespace: 'weft-system' },
      })),
    };
  }

  #authority(): Promise<TestAuthority> {
    return eventually(
      'the issuer of certificates',
      async () => {
        const path = `/api/v1/namespaces/weft-system/secrets/${ISSUER_SECRET}`;
        const secret = await this.#client.json<{ data: Record<string, string> }>('GET', path).catch(() => null);
        if (secret === null) return null;
        const data = Object.entries(secret.data).map(([name, text]) => [name, Buffer.from(text, 'base64')] as const);
        const read = readAuthority({ type: '', data: Object.fromEntries(data) }, Date.now());
        if (!read.ok) return null;
        const { authority } = read;
        return { anchor: authority, issuer: authority, anchorsPem: authority.anchors.map(String).join('') };
      },
      60_000,
    );
  }

  #cast(authority: TestAuthority): void {
    const { size } = this.fleet;
    const leaves = Array.from({ length: Math.min(size.services, size.proxies) }, (_, service) => {
      const { keyPem, chainPem } = createLeaf(authority, this.fleet.identityOf(service));
      return { keyPem, chainPem };
    });
    const roles = Array.from({ length: size.proxies }, (_, at) => this.fleet.role(at, HOSTS.length));
    const replicas = HOSTS.map((host) => ({ host, port: OPERATOR_PORTS.config }));
    const { anchorsPem } = authority;
    this.troupe.cast({ replicas, serverName: OPERATOR_IDENTITY, anchorsPem, leaves }, roles);
  }

  /** Connects proxies until so many are; resolves when each has all that it asked for. Returns what each new one was sent for that, bytes. */
  async connect(proxies: number): Promise<number[]> {
    this.troupe.say({ type: 'mark' });
    this.troupe.say({ type: 'connect', below: proxies });
    let fullBytes: number[] = [];
    await eventually(
      `${proxies} proxies have what they asked for`,
      async () => {
        const figures = await this.troupe.figures();
        fullBytes = figures.fullBytes;
        if (figures.settled === proxies) return true;
        await sleep(500);
        this.operators.assertRunning();
        return false;
      },
      CONNECT_MS,
    );
    return fullBytes;
  }

  /** Resolves when the operators write hardly anything any more but the lease, or have not come to that in time. */
  async settled(): Promise<void> {
    const endMs = performance.now() + this.#options.settleSeconds * 1_000;
    let before = -1;
    while (performance.now() < endMs) {
      const now = await this.#writes();
      const grown = now - before;
      // The lease is renewed every two seconds.
      if (before >= 0 && grown <= QUIET_MS / 1_000) return;
      this.#options.say(before < 0 ? 'statuses are written' : `statuses are written: ${grown} in ten seconds`);
      before = now;
      await sleep(QUIET_MS);
    }
    this.#options.say('statuses are still written; what is measured now is measured beside that');
  }

  async #writes(): Promise<number> {
    const texts = await this.operators.metrics();
    const lines = texts.flatMap((text) => text.split('\n').filter((line) => line.startsWith(WRITES)));
    const writes = lines.filter((line) => /method="(PUT|PATCH|POST)"/.test(line));
    return sum(writes.map((line) => Number(line.slice(line.lastIndexOf(' ') + 1))));
  }

  async stop(): Promise<void> {
    this.troupe.end();
    this.#watch.close();
    this.#client.close();
    await this.operators.stop();
    await this.#programs.stopAll();
    await this.#api.stop();
  }
}
