/** As much of the encoding of protocol buffers as poll.proto needs: strings, uint32 and messages (protobuf.dev, "Encoding"). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** A uint32 takes five bytes of seven bits; tags and lengths here are no longer. */
const MAX_VARINT_BYTES = 5;

/** Writes the fields of one message; a default value is left out, as proto3 has it. */
export class MessageWriter {
  readonly #parts: Buffer[] = [];

  string(field: number, value: string): this {
    return value === '' ? this : this.#bytes(field, Buffer.from(value));
  }

  uint32(field: number, value: number): this {
    if (value !== 0) this.#parts.push(varint((field << 3) | VARINT), varint(value));
    return this;
  }

  messages(field: number, encoded: readonly Buffer[]): this {
    for (const message of encoded) this.#bytes(field, message);
    return this;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #bytes(field: number, value: Buffer): this {
    this.#parts.push(varint((field << 3) | LENGTH_DELIMITED), varint(value.length), value);
    return this;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >>> 0;
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80);
  return Buffer.from([...bytes, left]);
}

/** The fields of one message by number. Throws where the bytes are no message. */
export class MessageReader {
  readonly #bytes: Buffer;
  #at = 0;
  readonly #numbers = new Map<number, number>();
  readonly #buffers = new Map<number, Buffer[]>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    while (this.#at < bytes.length) this.#field();
  }

  string(field: number): string {
    return this.messages(field).at(-1)?.toString() ?? '';
  }

  uint32(field: number): number {
    return this.#numbers.get(field) ?? 0;
  }

  messages(field: number): readonly Buffer[] {
    return this.#buffers.get(field) ?? [];
  }

  #field(): void {
    const tag = this.#varint();
    const field = tag >>> 3;
    switch (tag & 7) {
      case VARINT:
        this.#numbers.set(field, this.#varint());
        break;
      case LENGTH_DELIMITED:
        this.#buffers.set(field, [...this.messages(field), this.#take(this.#varint())]);
        break;
      // Of no field that is known here, and skipped as any unknown one.
      case FIXED64:
        this.#take(8);
        break;
      case FIXED32:
        this.#take(4);
        break;
      default:
        throw new Error(`unknown wire type ${tag & 7} of field ${field}`);
    }
  }

  #varint(): number {
    let value = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = this.#take(1)[0]!;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value >>> 0;
    }
    throw new Error(`a number is longer than ${MAX_VARINT_BYTES} bytes`);
  }

  #take(lengthBytes: number): Buffer {
    const end = this.#at + lengthBytes;
    if (end > this.#bytes.length) throw new Error('the message ends within a field');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
