/** etcd takes objects up to 1.5 MiB; an item ten times that is none of a list. What stands around the items is a few hundred octets. */
const MAX_BYTES = 16 * 1024 * 1024;

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What stands before the list of items, up to its bracket. */
const ITEMS = /(^|[^\\])"items"\s*:\s*\[$/;

/**
 * Cuts the JSON of a list of the API (`{…, "items": [{…}, {…}], …}`) into its items while its bytes come, so that no more than one of them is held as text. Whether
 * each is JSON, its parser finds; what is pushed may be reused afterwards.
 */
export class ListItems {
  /** Of the item, or of what is around the items. */
  #parts: Buffer[] = [];
  #partsBytes = 0;
  #around = '';
  #depth = 0;
  #inText = false;
  #escaped = false;
  #inItems = false;

  /** The list without items, as far as it has come; its JSON once an item, or the end, has been reached. */
  get around(): string {
    return this.#inItems ? `${this.#around}]}` : this.#around;
  }

  /** Calls `item` with the JSON of each item that is complete. @throws RangeError on one that is too long */
  push(chunk: Buffer, item: (json: string) => void): void {
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (byte === BACKSLASH) this.#escaped = true;
        else if (byte === QUOTE) this.#inText = false;
      } else if (byte === QUOTE) this.#inText = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (this.#inItems && this.#depth === 2) start = at;
        this.#depth += 1;
        if (byte === OPEN_LIST && this.#depth === 2 && this.#opensItems(chunk, start, at + 1)) start = at + 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth -= 1;
        if (this.#inItems && this.#depth === 2) {
          item(this.#complete(chunk.subarray(start, at + 1)));
          start = at + 1;
        } else if (this.#inItems && this.#depth === 1) {
          this.#inItems = false;
          start = at;
        }
      } else if (byte === COMMA && this.#inItems && this.#depth === 2) start = at + 1;
    }
    if (this.#inItems && this.#depth === 2) return;
    this.#keep(chunk.subarray(start));
  }

  /** The list without its items. */
  end(): string {
    this.#around += this.#complete(Buffer.alloc(0));
    return this.#around;
  }

  #opensItems(chunk: Buffer, start: number, end: number): boolean {
    const before = this.#around + Buffer.concat([...this.#parts, chunk.subarray(start, end)]).toString('utf8');
    if (!ITEMS.test(before)) return false;
    this.#complete(Buffer.alloc(0));
    this.#around = before;
    this.#inItems = true;
    return true;
  }

  #complete(end: Buffer): string {
    const bytes = this.#partsBytes === 0 ? end : Buffer.concat([...this.#parts, end]);
    this.#parts = [];
    this.#partsBytes = 0;
    return bytes.toString('utf8');
  }

  #keep(bytes: Buffer): void {
    this.#parts.push(Buffer.from(bytes));
    this.#partsBytes += bytes.length;
    if (this.#partsBytes > MAX_BYTES) throw new RangeError('an item of the list is too long');
  }
}
