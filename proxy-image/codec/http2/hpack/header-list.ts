/**
 * A header or trailer section as it was decoded, in order, pseudo-header fields included. Immutable, and shared: the decoder returns the same object for
 * equal blocks where it can, so whatever is worked out about a list once is kept with it.
 */
export class HeaderList {
  readonly names: readonly string[];
  /** One JavaScript character per octet (latin1). */
  readonly values: readonly string[];
  /** Sum of the lengths of names and values plus 32 for each field (RFC 7541 section 4.1). */
  readonly sizeBytes: number;
  /** Indexes of fields that came as "never indexed" (RFC 7541 section 6.2.3) and must be passed on as such; `null` = none. */
  readonly sensitive: ReadonlySet<number> | null;
  /** What `request.ts`, `response.ts` and `trailers.ts` have worked out about it. */
  meaning: object | number | null = null;

  constructor(
    names: readonly string[],
    values: readonly string[],
    sizeBytes: number,
    sensitive: ReadonlySet<number> | null = null,
  ) {
    this.names = names;
    this.values = values;
    this.sizeBytes = sizeBytes;
    this.sensitive = sensitive;
  }

  /** Value of the first field of that (lower-case) name, or `null`. */
  first(name: string): string | null {
    const index = this.names.indexOf(name);
    return index === -1 ? null : this.values[index]!;
  }

  /** All values of the name, joined as RFC 9110 section 5.3 wants it, and the crumbs of `cookie` as RFC 9113 section 8.2.3 does; `null` where there is none. */
  joined(name: string): string | null {
    let value: string | null = null;
    const between = name === 'cookie' ? '; ' : ', ';
    for (let index = this.names.indexOf(name); index !== -1; index = this.names.indexOf(name, index + 1)) {
      value = value === null ? this.values[index]! : `${value}${between}${this.values[index]}`;
    }
    return value;
  }
}
