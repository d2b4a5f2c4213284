import type { InboundProtocol, OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { PodEntry, ServiceEntry, UnknownEntry } from './entries.ts';

/** The versions of HTTP as they go over connections. */
export type HttpProtocol = 'http1' | 'http2';

/** What the first bytes of a connection look like; `timeout`: too few came in time to tell. */
export type FirstBytesProtocol = HttpProtocol | 'tls' | 'opaque' | 'timeout';

/** What the caller's proxy says of a connection in its transport header. */
export type SessionProtocol = HttpProtocol | 'opaque';

type DeclaredProtocol = InboundProtocol | OutboundProtocol;

/**
 * What is spoken at a destination, as far as that is known before the client has said anything; `detect` where it is not. What is declared for the
 * Service (`appProtocol`, its opaque ports, its profile's) counts; where that says nothing, what is declared for its endpoints (their pods' opaque ports,
 * their Servers), if all of them agree. While they do not, the client is listened to: of the two mistakes, waiting ends with the roll-out, but a client of
 * HTTP that was taken for opaque keeps to one endpoint, without routes and retries, for as long as its connection lasts.
 */
export function protocolOf(entry: ServiceEntry | PodEntry | UnknownEntry): OutboundProtocol {
  if (entry.kind !== 'service' || entry.protocol !== 'detect') return entry.protocol;
  let agreed: OutboundProtocol | null = null;
  for (const { backend, weight } of entry.streams.shares) {
    const { dispatch } = backend;
    if (dispatch.type !== 'balance' || weight === 0 || dispatch.pool.protocol === null) continue;
    const { protocol } = dispatch.pool;
    if (agreed !== null && agreed !== protocol) return 'detect';
    agreed = protocol;
  }
  return agreed ?? 'detect';
}

/** The version of HTTP that is declared; `null` where none is. */
export function declaredHttp(declared: DeclaredProtocol): HttpProtocol | null {
  if (declared === 'http1') return 'http1';
  return declared === 'http2' || declared === 'grpc' ? 'http2' : null;
}

/**
 * How a connection is taken up before its client has said anything. `session`: what the caller's proxy says, `null` where there is none. A proxy that knows
 * nothing of the Server sends what it does not take for HTTP as bytes: on a port that is declared to speak HTTP the bytes are looked at all the same.
 */
export function protocolAtFirst(
  declared: DeclaredProtocol,
  session: SessionProtocol | null,
): HttpProtocol | 'opaque' | 'detect' {
  if (session === 'opaque' && declaredHttp(declared) !== null) return 'detect';
  if (session !== null) return session;
  return declared === 'opaque' || declared === 'tls' ? 'opaque' : 'detect';
}

/**
 * … and after its first bytes; `null` = it is carried as bytes, as an application's own TLS is. What is declared to be HTTP is nothing else, but which version
 * the client tells: a gRPC client needs no declaration, and a declared one may not be one.
 */
export function protocolAfterDetection(detected: FirstBytesProtocol, declared: DeclaredProtocol): HttpProtocol | null {
  return detected === 'http1' || detected === 'http2' ? detected : declaredHttp(declared);
}

/** What a request asks of the next hop. */
export interface SpokenNeeds {
  readonly upgrade: boolean;
  readonly isGrpc: boolean;
  readonly tunnels: boolean;
}

/**
 * What the next hop is spoken to in: what is declared for it, else what the client speaks. An upgrade exists in HTTP/1 only (Linkerd keeps those connections
 * apart too), gRPC and tunnels in HTTP/2 only.
 */
export function protocolOfNextHop(
  needs: SpokenNeeds,
  declared: DeclaredProtocol,
  ofClient: HttpProtocol,
): HttpProtocol {
  if (needs.upgrade) return 'http1';
  if (needs.isGrpc || needs.tunnels) return 'http2';
  return declaredHttp(declared) ?? ofClient;
}
