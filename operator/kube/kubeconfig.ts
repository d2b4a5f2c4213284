import { createHash } from 'node:crypto';
import { HttpMethod, KubeConfig, RequestContext } from '@kubernetes/client-node';
import { Agent, type Dispatcher } from 'undici';
import { LEASES } from './resources.ts';

/** Watches hold a connection each for minutes; everything else shares a few, but for the lease: a leader whose renewal waits behind slow lists is none any more. */
type Purpose = 'request' | 'lease' | 'watch';

/** Connections for requests. A slow list occupies one, status writes use the others; after an outage every kind is listed at once. */
const REQUEST_CONNECTIONS = 4;
/** One for a renewal that hangs, one for the next attempt. */
const LEASE_CONNECTIONS = 2;

type Renewed = Pick<Pool, 'request' | 'lease'>;

interface Pool {
  /** Makes dispatchers like `request` and `lease`; null where the client's own is used. */
  renew: (() => Renewed) | null;
  request: Dispatcher;
  lease: Dispatcher;
  watch: Dispatcher;
}

interface TlsOptions {
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  passphrase?: string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

/**
 * A KubeConfig whose requests share connections. The client makes a dispatcher per request, so a TLS connection per request; here one pool stands
 * per server and credentials, and is replaced when a file behind it (CA, certificate) has new content.
 */
export class PooledKubeConfig extends KubeConfig {
  #pool: { identity: string; made: Promise<Pool> } | null = null;

  override async applySecurityAuthentication(context: RequestContext): Promise<void> {
    const options: TlsOptions & { headers?: Record<string, unknown>; auth?: string } = {};
    await this.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
    if (options.auth !== undefined) {
      context.setHeaderParam('Authorization', `Basic ${Buffer.from(options.auth).toString('base64')}`);
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) context.setHeaderParam(name, String(value));
    const pool = await this.#poolFor(options);
    context.setDispatcher(pool[purposeOf(new URL(context.getUrl()))]);
  }

  /** From now on requests use new connections; those under way may finish where they are, watches are left alone. */
  renewConnections(): void {
    if (this.#pool === null) return;
    const { identity, made } = this.#pool;
    this.#pool = { identity, made: made.then(withNewRequests) };
  }

  /** Closes the connections; requests under way are ended. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = null;
    if (pool !== null) await destroy(await pool.made);
  }

  /** One pool per identity, also when several requests ask at the same time. */
  #poolFor(options: TlsOptions): Promise<Pool> {
    const cluster = this.getCurrentCluster();
    const identity = identityOf(cluster?.server ?? '', cluster?.proxyUrl ?? '', options);
    if (this.#pool?.identity === identity) return this.#pool.made;
    const before = this.#pool;
    this.#pool = { identity, made: this.#newPool(options) };
    // What runs on the old pool may finish there.
    before?.made.then((pool) => Promise.all([closeRequests(pool), pool.watch.close()])).catch(() => {});
    return this.#pool.made;
  }

  async #newPool(options: TlsOptions): Promise<Pool> {
    const wanted = this.createDispatcherOptions(this.getCurrentCluster(), options);
    if (wanted.type === 'proxy' || wanted.type === 'socks') {
      const dispatcher = await this.#clientsOwnDispatcher();
      return { request: dispatcher, lease: dispatcher, watch: dispatcher, renew: null };
    }
    const connect = wanted.type === 'agent' ? wanted.connect : {};
    // HTTP/1.1: on one multiplexed connection, a half-open network path would silence all watches and requests together.
    const common = { connect, allowH2: false, headersTimeout: 0, bodyTimeout: 0 };
    const renew = () => ({
      request: new Agent({ ...common, connections: REQUEST_CONNECTIONS }),
      lease: new Agent({ ...common, connections: LEASE_CONNECTIONS }),
    });
    return { ...renew(), watch: new Agent(common), renew };
  }

  /** Through a proxy, the client knows how to connect; its dispatcher is kept like any other. */
  async #clientsOwnDispatcher(): Promise<Dispatcher> {
    const context = new RequestContext(this.getCurrentCluster()?.server ?? '', HttpMethod.GET);
    await super.applySecurityAuthentication(context);
    return context.getDispatcher() ?? new Agent();
  }
}

function withNewRequests(pool: Pool): Pool {
  if (pool.renew === null) return pool;
  closeRequests(pool).catch(() => {});
  return { ...pool, ...pool.renew() };
}

async function closeRequests({ request, lease }: Pool): Promise<void> {
  await Promise.all([request.close(), lease.close()]);
}

function purposeOf({ pathname, searchParams }: URL): Purpose {
  if (searchParams.get('watch') === 'true') return 'watch';
  // Nothing else of the group is asked for; a server may be below a path.
  return pathname.includes(`/apis/${LEASES.group}/`) ? 'lease' : 'request';
}

async function destroy(pool: Pool): Promise<void> {
  await Promise.all([pool.request.destroy(), pool.lease.destroy(), pool.watch.destroy()]);
}

function identityOf(server: string, proxyUrl: string, tls: TlsOptions): string {
  const hash = createHash('sha256');
  const parts = [server, proxyUrl, tls.ca, tls.cert, tls.key, tls.passphrase, tls.servername, tls.rejectUnauthorized];
  for (const part of parts) hash.update(part === undefined ? '-' : String(part)).update('\0');
  return hash.digest('base64');
}
