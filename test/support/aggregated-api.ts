import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type Agent, type RequestOptions, request } from 'node:https';
import { type Authority, issueLeaf } from '../../operator/pki/authority.ts';
import { generateKeyPair, toPem } from '../../operator/pki/certificate.ts';
import { systemClock } from '../../operator/runtime/clock.ts';
import { ConnectionPlaces } from '../../operator/runtime/connection-places.ts';
import { silentLog } from '../../operator/runtime/log.ts';
import { Access, type AskAccess } from '../../operator/viz/api/access.ts';
import { REPLICA_SERVER_NAME } from '../../operator/viz/api/caller.ts';
import type { ReplicaHandler } from '../../operator/viz/api/dispatcher.ts';
import type { ApiLimits } from '../../operator/viz/api/limits.ts';
import { type RequestHeaders, readRequestHeaders } from '../../operator/viz/api/request-header.ts';
import type { ApiRow } from '../../operator/viz/api/rows.ts';
import { ApiServer, type Credentials, type Source } from '../../operator/viz/api/server.ts';
import { createTestAuthority, type TestAuthority } from './certificates.ts';
import { OPERATOR_IDENTITY } from './control-plane.ts';

export const VIZ_HOST = 'weft-viz.weft-system.svc';
const HOUR_MS = 3_600_000;

/** What a test replaces while a server runs. */
export class Held<T> implements Source<T> {
  #current: T | null;
  readonly #listeners = new Set<() => void>();

  constructor(current: T | null) {
    this.#current = current;
  }

  get current(): T | null {
    return this.#current;
  }

  set(next: T | null): void {
    this.#current = next;
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** `data` of ConfigMap `extension-apiserver-authentication`, as kube-apiserver writes it. */
export function authenticationData(authoritiesPem: string, allowedNames: readonly string[] = ['front-proxy-client']) {
  return {
    'client-ca-file': 'not looked at',
    'requestheader-client-ca-file': authoritiesPem,
    'requestheader-allowed-names': JSON.stringify(allowedNames),
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  };
}

export function leafOf(
  authority: Authority,
  name: string,
  nowMs: number = Date.now(),
  lifetimeMs = HOUR_MS,
): Credentials {
  const keys = generateKeyPair();
  const { chainPem } = issueLeaf(authority, { publicKey: keys.publicKey, dnsNames: [name], lifetimeMs, nowMs });
  return { keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), certPem: chainPem };
}

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a client has parsed
  json: any;
}

export interface AskOptions {
  /** Client certificate; `null`: none. Default: the front proxy's. */
  as?: Credentials | null;
  servername?: string;
  ca?: string;
  headers?: Record<string, string | string[]>;
  method?: string;
  agent?: Agent;
  body?: string;
}

export interface Endpoint {
  host: string;
  port: number;
  servername: string;
  ca: string;
  as: Credentials | null;
}

export async function askOver(endpoint: Endpoint, path: string, options: AskOptions): Promise<Reply> {
  const response = await openOver(endpoint, path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const isJson = (response.headers['content-type'] ?? '').startsWith('application/json');
  return { status: response.statusCode ?? 0, headers: response.headers, body, json: isJson ? JSON.parse(body) : null };
}

async function openOver(
  endpoint: Endpoint,
  path: string,
  { agent, method = 'GET', headers, body }: AskOptions,
): Promise<IncomingMessage> {
  const sent = request({ ...tlsOptionsOf(endpoint), agent: agent ?? false, path, method, headers });
  // What fails before an answer rejects below; a server that refuses early may close before all is written.
  sent.on('error', () => undefined);
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

function tlsOptionsOf({ as, servername, ...rest }: Endpoint): RequestOptions {
  return {
    ...rest,
    servername,
    // Of the name for replicas there is no certificate.
    ...(servername === REPLICA_SERVER_NAME ? { checkServerIdentity: () => undefined } : {}),
    ...(as === null ? {} : { key: as.keyPem, cert: as.certPem }),
  };
}

export interface AggregatedApiOptions {
  rows?: readonly ApiRow[];
  replicaPaths?: Readonly<Record<string, ReplicaHandler>>;
  access?: AskAccess;
  limits?: Partial<ApiLimits>;
  /** Of the control plane that it is a replica of; default: one of its own. */
  mesh?: TestAuthority;
}

/** The aggregated API on a free port, with an API server's front proxy that a test plays. */
export class AggregatedApi {
  readonly serving: TestAuthority = createTestAuthority(Date.now(), 'serving.test');
  readonly frontProxy: TestAuthority = createTestAuthority(Date.now(), 'front-proxy.test');
  readonly mesh: TestAuthority;
  readonly requestHeaders: Held<RequestHeaders>;
  readonly credentials: Held<Credentials>;
  readonly answered: { resource: string; status: number }[] = [];
  /** Of an API server. */
  readonly client: Credentials;
  readonly replica: Credentials;
  readonly server: ApiServer;
  wallOffsetMs = 0;
  port = 0;

  constructor(options: AggregatedApiOptions = {}) {
    this.mesh = options.mesh ?? createTestAuthority(Date.now(), 'mesh.test');
    this.requestHeaders = new Held(readRequestHeaders(authenticationData(toPem([this.frontProxy.issuer.certificate]))));
    this.credentials = new Held(leafOf(this.serving.issuer, VIZ_HOST));
    this.client = leafOf(this.frontProxy.issuer, 'front-proxy-client');
    this.replica = leafOf(this.mesh.issuer, OPERATOR_IDENTITY);
    const clock = { ...systemClock, wallMs: () => Date.now() + this.wallOffsetMs };
    this.server = new ApiServer({
      rows: options.rows ?? [],
      replicaPaths: options.replicaPaths ?? {},
      credentials: this.credentials,
      requestHeaders: this.requestHeaders,
      mesh: () => ({ ...this.replica, anchorsPem: this.mesh.anchorsPem }),
      ownIdentity: () => OPERATOR_IDENTITY,
      access: new Access(options.access ?? (async () => ({ allowed: true, reason: '' })), clock),
      places: new ConnectionPlaces({ limit: 100, waiting: 100, refused: () => undefined }),
      handshakeFailed: () => undefined,
      answered: (resource, status) => this.answered.push({ resource, status }),
      clock,
      log: silentLog,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
  }

  async start(): Promise<this> {
    this.port = await this.server.listen(0, '127.0.0.1');
    return this;
  }

  stop(): Promise<void> {
    return this.server.close();
  }

  /** As an API server asks for a user. */
  askAs(user: string, path: string, options: AskOptions = {}): Promise<Reply> {
    const headers = { 'X-Remote-User': user, 'X-Remote-Group': ['system:authenticated'], ...options.headers };
    return this.ask(path, { ...options, headers });
  }

  ask(path: string, options: AskOptions = {}): Promise<Reply> {
    return askOver(this.#endpoint(options), path, options);
  }

  /** Resolves with the head of the answer. */
  open(path: string, options: AskOptions = {}): Promise<IncomingMessage> {
    return openOver(this.#endpoint(options), path, options);
  }

  tlsOptions(options: AskOptions = {}): RequestOptions {
    return tlsOptionsOf(this.#endpoint(options));
  }

  #endpoint({ as = this.client, servername = VIZ_HOST, ca = this.serving.anchorsPem }: AskOptions): Endpoint {
    return { host: '127.0.0.1', port: this.port, servername, ca, as };
  }

  /** The present authorities of front proxies are these from now on. */
  trustFrontProxies(...authorities: TestAuthority[]): void {
    const pem = toPem(authorities.map(({ issuer }) => new X509Certificate(issuer.certificate.raw)));
    this.requestHeaders.set(readRequestHeaders(authenticationData(pem)));
  }
}
