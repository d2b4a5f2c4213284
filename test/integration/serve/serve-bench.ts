import type { ObjectRef } from '../../../crds/state/object-ref.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { NO_METRICS } from '../../../operator/serve/metrics.ts';
import { createConfigServer } from '../../../operator/serve/server.ts';
import type {
  ConfigServer,
  Followers,
  ServeLimits,
  ServeMetrics,
  TlsMaterial,
  TlsProvider,
  TrafficReports,
} from '../../../operator/serve/types.ts';
import type { Hello } from '../../../proxy-image/contract/messages.ts';
import { createLeaf, createTestAuthority, type TestAuthority } from '../../support/certificates.ts';
import { type TestCluster, webCluster } from '../../support/models.ts';
import { type ClientOptions, ProxyClient } from './proxy-client.ts';

export function identityOf(serviceAccount: string, namespace: string): string {
  return `${serviceAccount}.${namespace}.serviceaccount.identity.linkerd.cluster.local`;
}

/** Material that tests exchange at run time. */
export class TestTls implements TlsProvider {
  #material: TlsMaterial;
  #changed: (() => void) | null = null;

  constructor(authority: TestAuthority) {
    this.#material = TestTls.material(authority);
  }

  static material(authority: TestAuthority): TlsMaterial {
    const leaf = createLeaf(authority, 'weft-operator.test');
    return {
      certificateChainPem: leaf.chainPem,
      privateKeyPem: leaf.keyPem,
      trustAnchorsPem: authority.anchorsPem,
    };
  }

  current(): TlsMaterial {
    return this.#material;
  }

  onChange(changed: () => void): () => void {
    this.#changed = changed;
    return () => {
      this.#changed = null;
    };
  }

  replace(material: TlsMaterial): void {
    this.#material = material;
    this.#changed?.();
  }
}

export interface BenchOptions {
  cluster?: TestCluster;
  limits?: Partial<ServeLimits>;
  synced?: boolean;
  metrics?: Partial<ServeMetrics>;
  reports?: TrafficReports;
  followers?: Followers;
  authority?: TestAuthority;
}

/** A real server on a free port, a cluster to feed it, and proxies that connect over TLS. */
export class ServeBench {
  readonly cluster: TestCluster;
  readonly authority: TestAuthority;
  readonly tls: TestTls;
  readonly server: ConfigServer;
  readonly progress: ObjectRef[] = [];
  readonly refused: string[] = [];
  readonly withheld: string[] = [];
  port = 0;
  readonly #clients: ProxyClient[] = [];

  private constructor({ cluster = webCluster(), limits, metrics, reports, followers, authority }: BenchOptions) {
    this.cluster = cluster;
    this.authority = authority ?? createTestAuthority();
    this.tls = new TestTls(this.authority);
    this.server = createConfigServer({
      state: cluster.state,
      tls: this.tls,
      clock: systemClock,
      log: silentLog,
      limits,
      reports,
      ...(followers === undefined ? {} : { followers }),
      metrics: {
        ...NO_METRICS,
        refused: (code) => this.refused.push(code),
        withheld: (key) => this.withheld.push(key),
        ...metrics,
      },
      progress: (objects) => this.progress.push(...objects),
    });
  }

  static async start(options: BenchOptions = {}): Promise<ServeBench> {
    const bench = new ServeBench(options);
    bench.port = await bench.server.listen(0, '127.0.0.1');
    bench.cluster.state.applyTrust({ anchorsPem: bench.authority.anchorsPem, resourceVersion: '1' });
    if (options.synced ?? true) bench.server.storesSynced();
    return bench;
  }

  /** What the operator does with every watch event. */
  change(touched: ReadonlySet<string>): void {
    this.server.invalidate(touched);
  }

  /** Connects with a certificate of `serviceAccount.namespace`; `options` override. */
  async connect(serviceAccount = 'web', namespace = 'app', options: Partial<ClientOptions> = {}): Promise<ProxyClient> {
    const leaf = createLeaf(this.authority, identityOf(serviceAccount, namespace));
    const client = await ProxyClient.connect({
      port: this.port,
      anchorsPem: this.authority.anchorsPem,
      keyPem: leaf.keyPem,
      chainPem: leaf.chainPem,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  /** The proxy of pod `web-1`, greeted and given its workload. */
  async proxy(pod = 'web-1', held: Hello['held'] = []): Promise<ProxyClient> {
    const client = await this.connect();
    client.hello('app', pod, held);
    if (held.length === 0) await client.until(() => client.held.has(`workload/app/${pod}`), 'workload');
    await client.settled();
    return client;
  }

  async subscribed(...keys: string[]): Promise<ProxyClient> {
    const client = await this.proxy();
    client.send({ type: 'subscribe', keys });
    await client.until(() => keys.every((key) => client.held.has(key)), keys.join());
    await client.settled();
    return client;
  }

  async stop(): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.server.close();
  }
}
