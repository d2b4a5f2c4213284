import type { HeaderList } from './header-list.ts';

/** Longer blocks are rare, and would cost memory by the connection. */
const BLOCK_BYTES = 1024;
const SLOTS = 64;
/** Measured in Bun: up to here comparing in JavaScript is cheaper than calling. */
const LOOP_BYTES = 64;
/** Longer blocks are hashed by as much of their beginning (method, path) and of their end (ids of a trace); what differs between is compared. */
const HASHED_BYTES = 256;
const NO_BYTES: Buffer = Buffer.alloc(0);

/** Version of a block that has not touched the dynamic table: it means the same for ever. */
export const ANY_VERSION = -1;

class Slot {
  hash = 0;
  version = 0;
  length = -1;
  bytes: Buffer = NO_BYTES;
  list: HeaderList;
  /** Fields of the list that the block inserts into the dynamic table; `null` = none. */
  insertions: readonly number[] | null = null;

  constructor(list: HeaderList) {
    this.list = list;
  }

  holds(bytes: Buffer, from: number, length: number, version: number): boolean {
    if (length !== this.length || (this.version !== version && this.version !== ANY_VERSION)) return false;
    const own = this.bytes;
    if (length > LOOP_BYTES) return own.compare(bytes, from, from + length, 0, length) === 0;
    let i = 0;
    while (i < length && own[i] === bytes[from + i]) i++;
    return i === length;
  }
}

/**
 * What the blocks of one connection were decoded to: clients repeat themselves, so most blocks cost a comparison. One slot for each hash. A block is taken
 * in when it comes a second time: blocks that never come again (ids, tokens) are hashed but not copied.
 */
export class BlockCache {
  readonly #seen: Int32Array = new Int32Array(SLOTS);
  #slots: (Slot | null)[] = [];
  #last: Slot | null = null;
  #hash = 0;
  /** Of the block that was found last: fields of its list that go into the dynamic table again. */
  insertions: readonly number[] | null = null;

  find(bytes: Buffer, from: number, to: number, version: number): HeaderList | null {
    const length = to - from;
    if (length > BLOCK_BYTES) return null;
    const last = this.#last;
    if (last?.holds(bytes, from, length, version)) {
      this.insertions = last.insertions;
      return last.list;
    }
    this.#hash = hashOf(bytes, from, to);
    const slot = this.#slots[this.#hash & (SLOTS - 1)];
    if (slot === undefined || slot === null || slot.hash !== this.#hash) return null;
    if (!slot.holds(bytes, from, length, version)) return null;
    this.#last = slot;
    this.insertions = slot.insertions;
    return slot.list;
  }

  /** The table takes other entries than before: no block is known to do what it did. */
  forgetInsertions(): void {
    for (const slot of this.#slots) if (slot !== null && slot.insertions !== null) slot.length = -1;
  }

  /** Right after `find` has not found the same block. `version`: of the table that it refers to, or ANY_VERSION. */
  offer(
    bytes: Buffer,
    from: number,
    to: number,
    version: number,
    list: HeaderList,
    insertions: readonly number[] | null,
  ): void {
    const length = to - from;
    if (length > BLOCK_BYTES) return;
    const hash = this.#hash;
    const index = hash & (SLOTS - 1);
    if (this.#seen[index] !== hash) {
      this.#seen[index] = hash;
      return;
    }
    if (this.#slots.length === 0) this.#slots = new Array<Slot | null>(SLOTS).fill(null);
    let slot = this.#slots[index]!;
    if (slot === null) {
      slot = new Slot(list);
      this.#slots[index] = slot;
    }
    if (slot.bytes.length < length) slot.bytes = Buffer.allocUnsafeSlow(length);
    bytes.copy(slot.bytes, 0, from, to);
    slot.hash = hash;
    slot.version = version;
    slot.length = length;
    slot.list = list;
    slot.insertions = insertions;
  }
}

function hashOf(bytes: Buffer, from: number, to: number): number {
  const length = to - from;
  if (length <= HASHED_BYTES) return mix(bytes, from, to, length);
  return mix(bytes, to - HASHED_BYTES / 2, to, mix(bytes, from, from + HASHED_BYTES / 2, length));
}

function mix(bytes: Buffer, from: number, to: number, start: number): number {
  let hash = start;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < to; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
  return hash ^ (hash >>> 16);
}
