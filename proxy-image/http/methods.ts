/** RFC 9110 section 9.2.2: sending the request twice does what sending it once does. */
export const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'];

export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.includes(method);
}
