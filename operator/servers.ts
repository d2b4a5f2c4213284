import type { ClusterState } from '../crds/state/cluster-state.ts';
import type { ObjectRef } from '../crds/state/object-ref.ts';
import type { ReadKey } from '../crds/state/view.ts';
import { MAX_WEBHOOK_CONNECTIONS, WebhookServer, type WebhookServerOptions } from '../webhooks/server.ts';
import type { Certificates } from './certificates.ts';
import type { OperatorConfig } from './config.ts';
import { IdentityServer } from './pki/server.ts';
import type { Signing } from './pki/signing.ts';
import type { Clock } from './runtime/clock.ts';
import { ConnectionPlaces, handshakeRefusal, type ServerRefusal } from './runtime/connection-places.ts';
import { errorFields, type Log } from './runtime/log.ts';
import type { Component } from './runtime/manager.ts';
import type { ProxyFacts } from './serve/proxy-facts.ts';
import { createConfigServer } from './serve/server.ts';
import type { SessionReport } from './serve/session-report.ts';
import type {
  ConfigServer,
  Followers,
  ServedEndpoints,
  ServeMetrics,
  TlsProvider,
  TrafficReports,
  TrustHeld,
} from './serve/types.ts';
import type { ReadinessCheck } from './telemetry/admin.ts';

/** A server that opens once its certificate is there, which may be after the election of a leader. */
interface Listening {
  readonly name: string;
  /** null while it cannot open yet; otherwise opens, and resolves with how to close it. */
  open(): Promise<() => Promise<void>> | null;
}

export interface ServersOptions {
  config: OperatorConfig;
  certificates: Certificates;
  state: ClusterState;
  signing: Signing;
  webhooks: Pick<WebhookServerOptions, 'webhooks' | 'observer'>;
  metrics: ServeMetrics;
  /** `undefined` without the role `viz`. */
  reports: TrafficReports | undefined;
  followers: Followers;
  /** `facts` are there from now on. */
  configOpened(): void;
  /** Of the servers that have no metrics of their own for it. */
  refused(server: 'identity' | 'webhooks', reason: ServerRefusal): void;
  /** Told of objects whose `programmed` may have changed. */
  progress: (objects: readonly ObjectRef[]) => void;
  clock: Clock;
  log: Log;
}

/** Ports 8443, 8086 and 8080, according to the roles. */
export class Servers implements Component {
  readonly name = 'servers for proxies and API server';
  readonly #options: ServersOptions;
  readonly #wanted: readonly Listening[];
  readonly #opened = new Map<string, () => Promise<void>>();
  readonly #opening = new Set<string>();
  readonly #ports = new Map<string, number>();
  #configServer: ConfigServer | null = null;
  #webhookServer: WebhookServer | null = null;
  #stopped = false;

  constructor(options: ServersOptions) {
    this.#options = options;
    const { roles } = options.config;
    const all: [boolean, Listening][] = [
      [roles.has('config'), { name: 'configuration stream', open: () => this.#openConfig() }],
      [roles.has('identity'), { name: 'certificate signing', open: () => this.#openIdentity() }],
      [roles.has('webhooks'), { name: 'webhooks', open: () => this.#openWebhooks() }],
    ];
    this.#wanted = all.filter(([enabled]) => enabled).map(([, listening]) => listening);
  }

  /** Ports that are listened on, by name of the server. */
  get ports(): ReadonlyMap<string, number> {
    return this.#ports;
  }

  get checks(): ReadinessCheck[] {
    return this.#wanted.map(({ name }) => ({
      name,
      check: () => (this.#opened.has(name) ? null : 'does not listen yet: waits for its certificate'),
    }));
  }

  /** Tells proxies of a change, in this turn of the event loop. */
  invalidate(reads: Iterable<ReadKey>): void {
    this.#configServer?.invalidate(reads);
  }

  /** `null` while no proxy can connect. */
  get facts(): ProxyFacts | null {
    return this.#configServer?.facts ?? null;
  }

  endpoints(): Iterable<ServedEndpoints> {
    return this.#configServer?.endpoints() ?? [];
  }

  reports(namespace: string | null): SessionReport[] {
    return this.#configServer?.reports(namespace) ?? [];
  }

  report(namespace: string, pod: string): SessionReport | null {
    return this.#configServer?.report(namespace, pod) ?? null;
  }

  trustHeld(anchorsPem: string): TrustHeld {
    return this.#configServer?.trustHeld(anchorsPem) ?? { names: [], connected: 0, anchors: 0, leaves: 0 };
  }

  /** Started after the caches: what is served comes from complete stores. */
  async start(): Promise<void> {
    const { certificates } = this.#options;
    certificates.control.onChange(() => this.#openAll());
    certificates.webhook.onChange(() => this.#openAll());
    certificates.trust.onChange(() => this.#openAll());
    this.#openAll();
  }

  /** Clients that keep their connection are to make another one. */
  leave(): void {
    this.#webhookServer?.leave();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#opened.values()].map((close) => close()));
  }

  #openAll(): void {
    for (const listening of this.#wanted) void this.#open(listening);
  }

  async #open({ name, open }: Listening): Promise<void> {
    if (this.#stopped || this.#opening.has(name)) return;
    const opening = open();
    if (opening === null) return;
    this.#opening.add(name);
    try {
      const close = await opening;
      if (this.#stopped) await close();
      else this.#opened.set(name, close);
    } catch (error) {
      // Readiness stays false; the kubelet's view of it is what a person sees first.
      this.#options.log.error('a server could not open its port', { server: name, ...errorFields(error) });
    }
  }

  #openConfig(): Promise<() => Promise<void>> | null {
    const { certificates, config, configOpened, ...given } = this.#options;
    const tls = tlsProvider(certificates);
    if (tls === null) return null;
    const leafTerms = () => certificates.trust.current?.leafTerms ?? null;
    const server = createConfigServer({ ...given, tls, leafTerms });
    this.#configServer = server;
    server.storesSynced();
    configOpened();
    return this.#listen('configuration stream', server.listen(config.configPort, config.host), () => server.close());
  }

  #openIdentity(): Promise<() => Promise<void>> | null {
    const { certificates, signing, config, refused } = this.#options;
    if (certificates.control.current === null) return null;
    const server = new IdentityServer({
      certificate: certificates.control,
      named: (serverName) => certificates.controlNamed(serverName),
      signing,
      refused: (reason) => refused('identity', reason),
    });
    return this.#listen('certificate signing', server.listen(config.identityPort, config.host), () => server.close());
  }

  #openWebhooks(): Promise<() => Promise<void>> | null {
    const { certificates, webhooks, clock, config, refused } = this.#options;
    // Without the bundle nothing could be injected yet.
    if (certificates.webhook.current === null || certificates.trust.current === null) return null;
    const places = new ConnectionPlaces({
      limit: MAX_WEBHOOK_CONNECTIONS,
      waiting: MAX_WEBHOOK_CONNECTIONS,
      refused: (reason) => refused('webhooks', reason),
    });
    const server = new WebhookServer({
      ...webhooks,
      credentials: certificates.webhook,
      nowMs: () => clock.nowMs(),
      places,
      handshakeFailed: (error) => {
        const reason = handshakeRefusal(error);
        if (reason !== null) refused('webhooks', reason);
      },
    });
    this.#webhookServer = server;
    return this.#listen('webhooks', server.listen(config.webhookPort, config.host), () => server.close());
  }

  async #listen(name: string, listening: Promise<number>, close: () => Promise<void>): Promise<() => Promise<void>> {
    const port = await listening;
    this.#ports.set(name, port);
    this.#options.log.info('listening', { server: name, port });
    return close;
  }
}

function tlsProvider(certificates: Certificates): TlsProvider | null {
  const { control, trust } = certificates;
  if (control.current === null || trust.current === null) return null;
  return {
    current: () => ({
      certificateChainPem: control.current!.certPem,
      privateKeyPem: control.current!.keyPem,
      trustAnchorsPem: trust.current!.anchorsPem,
    }),
    named(serverName) {
      const other = certificates.controlNamed(serverName);
      return other && { certificateChainPem: other.certPem, privateKeyPem: other.keyPem };
    },
    onChange(changed) {
      const stop = [control.onChange(changed), trust.onChange(changed)];
      return () => {
        for (const each of stop) each();
      };
    },
  };
}
