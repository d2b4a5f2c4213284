/** RFC 7541 Appendix A, without the name that has no place in it: the first entry has index 1. */
const ENTRIES: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Number of entries: the dynamic table begins at the next index (RFC 7541 section 2.3.3). */
export const STATIC_ENTRIES: number = ENTRIES.length;

/** By index; 0 is no index. */
export const STATIC_NAMES: readonly string[] = ['', ...ENTRIES.map(([name]) => name)];
export const STATIC_VALUES: readonly string[] = ['', ...ENTRIES.map(([, value]) => value)];

/** What an encoder looks up for a name. */
export interface StaticName {
  /** First entry of that name. */
  readonly index: number;
  /** Index by value; `null` where only the name is in the table. */
  readonly byValue: ReadonlyMap<string, number> | null;
}

export const STATIC_BY_NAME: ReadonlyMap<string, StaticName> = new Map(
  [...new Set(ENTRIES.map(([name]) => name))].map((name) => [name, staticName(name)]),
);

function staticName(name: string): StaticName {
  const byValue = new Map<string, number>();
  ENTRIES.forEach(([other, value], i) => {
    if (other === name && value !== '') byValue.set(value, i + 1);
  });
  return { index: STATIC_NAMES.indexOf(name), byValue: byValue.size === 0 ? null : byValue };
}
