import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContextOptions, type Server } from 'node:tls';
import { listening } from '../../lib/listening.ts';
import { TokenBucket } from '../../lib/rate.ts';
import { CONFIG_ALPN } from '../../proxy-image/contract/messages.ts';
import type { Clock } from '../runtime/clock.ts';
import { ConnectionPlaces, handshakeRefusal } from '../runtime/connection-places.ts';
import { peerCertificate } from './certificate.ts';
import { Distribution } from './distribution.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { NO_METRICS } from './metrics.ts';
import { Progress } from './progress.ts';
import { servedEndpoints } from './served-endpoints.ts';
import { TlsPeer } from './tls-peer.ts';
import type {
  ConfigServer,
  ConfigServerOptions,
  ServeLimits,
  ServeMetrics,
  TlsMaterial,
  TlsProvider,
} from './types.ts';

const SWEEP_MS = 1_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** For last messages to leave when the server closes; what is still open then is cut, half-made handshakes too. */
const CLOSE_GRACE_MS = 1_500;

/**
 * The configuration stream (architecture: contract): TLS 1.3 with client certificates, ALPN `weft-config/1`. Every replica serves from its own
 * state. The caller feeds `state` and passes on what `apply` returned.
 */
export function createConfigServer(options: ConfigServerOptions): ConfigServer {
  const limits: ServeLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const metrics = options.metrics ?? NO_METRICS;
  const { state, clock, log } = options;
  const progress = new Progress(options.progress, clock);
  const distribution = new Distribution(
    { state, clock, log, metrics, limits },
    progress,
    options.reports,
    options.leafTerms,
  );
  const { followers } = options;
  const server = createTlsServer(options.tls, [CONFIG_ALPN, ...(followers === undefined ? [] : [followers.alpn])]);
  const sockets = new Set<Socket>();
  const places = new ConnectionPlaces({
    limit: limits.maxConnections,
    waiting: limits.maxHandshakes,
    refused: (reason) => metrics.refused(reason),
  });
  const stopSweeping = repeat(clock, SWEEP_MS, (lateMs) => distribution.sweep(lateMs));
  const stopFollowing = options.tls.onChange(() => server.setSecureContext(secureContext(options.tls)));

  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    places.add(socket);
  });
  server.on('secureConnection', (socket) => {
    const certificate = peerCertificate(socket);
    if (certificate !== null && socket.alpnProtocol === followers?.alpn) {
      places.works(socket);
      followers.accept(socket, certificate, distribution.facts);
      return;
    }
    if (certificate === null || socket.alpnProtocol !== CONFIG_ALPN) {
      metrics.refused('handshake');
      socket.destroy();
      return;
    }
    places.works(socket);
    const peer = new TlsPeer(socket, certificate, { clock, limits, log, metrics });
    peer.start(distribution.accept(peer));
  });
  noteFailedHandshakes(server, options, metrics);

  return {
    listen: (port, host) => listening(server, port, host),
    storesSynced: () => distribution.storesSynced(),
    invalidate: (reads) => distribution.invalidate(reads),
    facts: distribution.facts,
    programmed: distribution.facts.programmed,
    connections: distribution.facts.connections,
    trustHeld: (anchorsPem) => distribution.trustHeld(anchorsPem),
    endpoints: () => servedEndpoints(distribution.cache),
    reports: (namespace) => distribution.reports(namespace),
    report: (namespace, pod) => distribution.report(namespace, pod),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await distribution.handOver();
      stopSweeping();
      stopFollowing();
      progress.stop();
      distribution.close();
      followers?.stop();
      await cutOff(sockets, closed, clock);
    },
  };
}

async function cutOff(sockets: Iterable<Socket>, closed: Promise<void>, clock: Clock): Promise<void> {
  const cut = clock.schedule(CLOSE_GRACE_MS, () => {
    for (const socket of sockets) socket.destroy();
  });
  await closed;
  cut.cancel();
}

function noteFailedHandshakes(server: Server, { clock, log }: ConfigServerOptions, metrics: ServeMetrics): void {
  // A flood of bad handshakes must not become one of lines: ten at once, then one in ten seconds.
  const lines = new TokenBucket({ burst: 10, intervalMs: 10_000 }, clock.nowMs());
  server.on('tlsClientError', (error, socket) => {
    const reason = handshakeRefusal(error, socket.authorizationError);
    if (reason !== null) metrics.refused(reason);
    if (reason === null || !lines.take(clock.nowMs())) return;
    log.info('handshake with a proxy failed', { error: error.message, address: socket.remoteAddress ?? '' });
  });
}

/** `run` hears how late it comes. Returns how to stop. */
function repeat(clock: Clock, everyMs: number, run: (lateMs: number) => void): () => void {
  let dueMs = 0;
  const next = () => {
    dueMs = clock.nowMs() + everyMs;
    return clock.schedule(everyMs, again);
  };
  const again = () => {
    const lateMs = clock.nowMs() - dueMs;
    timer = next();
    run(lateMs);
  };
  let timer = next();
  return () => timer.cancel();
}

function createTlsServer(tls: TlsProvider, protocols: string[]): Server {
  const server = createServer({
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: true,
    ALPNProtocols: protocols,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    SNICallback: (serverName, done) => {
      const other = tls.named?.(serverName) ?? null;
      done(null, other === null ? undefined : createSecureContext(secureContext(tls, other)));
    },
  });
  return server;
}

function secureContext(tls: TlsProvider, other: Partial<TlsMaterial> = {}): SecureContextOptions {
  const { certificateChainPem, privateKeyPem, trustAnchorsPem } = { ...tls.current(), ...other };
  return {
    cert: certificateChainPem,
    key: privateKeyPem,
    ca: trustAnchorsPem,
    minVersion: 'TLSv1.3',
    // A resumed session would outlive the anchor that its certificate was verified against.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
