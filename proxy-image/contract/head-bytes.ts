/**
 * Largest head of a message that a proxy takes: the request or status line with all fields, in requests and responses, in either version of HTTP (HTTP/2 counts
 * 32 octets more for each field, RFC 9113 section 6.5.2); a trailer section is bounded by the same.
 */
export const HEAD_BYTES = {
  /** Less would refuse what browsers and common servers take (8 KiB a line, 16 KiB a head). */
  least: 16 * 1024,
  /** Room for large tokens, and as much as most proxies take (Envoy: 60 KiB), while 20,000 unfinished heads cost no more than 1.3 GB. */
  fallback: 64 * 1024,
  /** Twice what Linkerd's HTTP library takes. An unfinished head is kept in memory and read anew with each of its lines. */
  most: 1024 * 1024,
} as const;
