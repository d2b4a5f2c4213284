/**
 * What a proxy does with a field because of its name alone, in whatever version of HTTP the message came and goes. Names are in lower case.
 */

/**
 * Fields that say something about one connection and end there (RFC 9110 section 7.6.1), besides those that `Connection` names. HTTP/2 has none of them
 * but `te: trailers` (RFC 9113 section 8.2.2).
 */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  // RFC 9110 section 7.6.1.
  'connection',
  // RFC 9112 appendix C.2.2, both.
  'keep-alive',
  'proxy-connection',
  // RFC 9110 section 10.1.4: only `trailers` can be meant for more than one hop.
  'te',
  // RFC 9112 section 6.1.
  'transfer-encoding',
  // RFC 9110 section 7.8.
  'upgrade',
  // RFC 7540 section 3.2.1: belongs to the upgrade to h2c, which is never passed on.
  'http2-settings',
]);

/** Why a proxy has answered by itself: of a response, and only between proxies of the mesh and their applications. */
export const PROXY_ERROR = 'l5d-proxy-error';

/** A field of the mesh: nobody else's word is taken for it, and nobody else is told. */
export function isMeshField(name: string): boolean {
  return name.charCodeAt(0) === 108 && name.startsWith('l5d-');
}

/**
 * Fields that a recipient has to know before the content, or that would speak for the message as a whole if a recipient merged its trailers into its head:
 * framing, routing, authentication, request modifiers, response controls, format of the content (RFC 9110 section 6.5.1).
 */
const HEAD_ONLY: ReadonlySet<string> = new Set([
  // Framing and routing.
  'content-length',
  'host',
  'max-forwards',
  'trailer',
  // Who asks, and from where.
  'authorization',
  'cookie',
  'forwarded',
  'proxy-authenticate',
  'proxy-authorization',
  'set-cookie',
  'via',
  'www-authenticate',
  'x-forwarded-client-cert',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
  // Request modifiers.
  'cache-control',
  'expect',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'pragma',
  'range',
  // Response controls.
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  // Format of the content.
  'content-encoding',
  'content-range',
  'content-type',
]);

/** Whether a field may go on in a trailer section. What gRPC and digests say there may. */
export function passesInTrailers(name: string): boolean {
  return !isMeshField(name) && !CONNECTION_FIELDS.has(name) && !HEAD_ONLY.has(name);
}
