/** Octets of every entry beside its name and value (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD = 32;

/** What SETTINGS_HEADER_TABLE_SIZE is unless said otherwise (RFC 9113 section 6.5.2). We never say otherwise, so it is in force from the first octet. */
export const TABLE_BYTES = 4096;

/** Entries are counted with ENTRY_OVERHEAD each, so there are never more. A power of two: positions wrap by a mask. */
const SLOTS = TABLE_BYTES / ENTRY_OVERHEAD;
const MASK = SLOTS - 1;

/** RFC 7541 section 2.3.2: first in, first out. A ring of strings, made at the first insertion: many peers never use it. */
export class DynamicTable {
  /** Changes whenever what an index means may have changed. */
  version = 0;
  /** Sum of the entries' sizes. */
  sizeBytes = 0;
  maxBytes: number = TABLE_BYTES;
  count = 0;
  #names: string[] = [];
  #values: string[] = [];
  /** Where the next entry goes. */
  #head = 0;

  /** `position` 0 = the newest, below `count`. */
  name(position: number): string {
    return this.#names[(this.#head - 1 - position) & MASK]!;
  }

  value(position: number): string {
    return this.#values[(this.#head - 1 - position) & MASK]!;
  }

  /** Whether an entry of that size would stay; one that is too large empties the table, which is no error (RFC 7541 section 4.4). */
  takes(sizeBytes: number): boolean {
    return sizeBytes <= this.maxBytes;
  }

  /** Only what the table `takes`. */
  add(name: string, value: string, sizeBytes: number): void {
    this.version++;
    this.#evictTo(this.maxBytes - sizeBytes);
    if (this.#names.length === 0) {
      this.#names = new Array<string>(SLOTS).fill('');
      this.#values = new Array<string>(SLOTS).fill('');
    }
    this.#names[this.#head] = name;
    this.#values[this.#head] = value;
    this.#head = (this.#head + 1) & MASK;
    this.count++;
    this.sizeBytes += sizeBytes;
  }

  clear(): void {
    this.version++;
    this.#evictTo(0);
  }

  /** RFC 7541 section 4.3. */
  resize(maxBytes: number): void {
    this.version++;
    this.maxBytes = maxBytes;
    this.#evictTo(maxBytes);
  }

  #evictTo(sizeBytes: number): void {
    while (this.sizeBytes > sizeBytes) {
      const oldest = (this.#head - this.count) & MASK;
      this.sizeBytes -= this.#names[oldest]!.length + this.#values[oldest]!.length + ENTRY_OVERHEAD;
      this.#names[oldest] = '';
      this.#values[oldest] = '';
      this.count--;
    }
  }
}
