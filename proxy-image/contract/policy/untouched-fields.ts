/**
 * Fields that say how a message is framed, where it goes, or what becomes of its connection (RFC 9110 section 7.6.1, RFC 9112 section 6; Gateway API:
 * HTTPHeaderFilter): changed from outside, they would let one request hide in another. `host` is changed by a rewrite.
 */
const UNTOUCHED: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'grpc-status',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Whether filters may change a field, by its name in lower case. What the mesh knows of a message (`l5d-`) is said by proxies alone. */
export function mayBeChanged(name: string): boolean {
  return !UNTOUCHED.has(name) && !name.startsWith('l5d-') && !name.startsWith(':');
}
