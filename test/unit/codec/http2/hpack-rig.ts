import { expect } from 'chai';
import type { HpackDecoder } from '../../../../proxy-image/codec/http2/hpack/decode.ts';
import { HeaderList } from '../../../../proxy-image/codec/http2/hpack/header-list.ts';
import type { HpackLimits } from '../../../../proxy-image/codec/http2/hpack/limits.ts';
import { newDecoder } from '../../../support/http2.ts';
import type { Field } from './plain-hpack.ts';

/** A decoder fed with blocks that stand somewhere in a larger buffer, as they do behind a frame's header. */
export class DecoderRig {
  readonly decoder: HpackDecoder;

  constructor(limits?: HpackLimits) {
    this.decoder = newDecoder(limits);
  }

  decode(...parts: readonly (readonly number[])[]): HeaderList | number {
    const block = parts.flat();
    const bytes = Buffer.from([0xff, 0x82, ...block, 0x82, 0x00]);
    return this.decoder.decode(bytes, 2, 2 + block.length);
  }

  list(...parts: readonly (readonly number[])[]): HeaderList {
    const list = this.decode(...parts);
    if (!(list instanceof HeaderList)) throw new Error(`refused: ${list}`);
    return list;
  }

  fields(...parts: readonly (readonly number[])[]): Field[] {
    return fieldsOf(this.list(...parts));
  }
}

export function fieldsOf(list: HeaderList): Field[] {
  expect(list.values.length).to.equal(list.names.length);
  const fields = list.names.map((name, i): Field => [name, list.values[i]!]);
  expect(list.sizeBytes).to.equal(fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0));
  return fields;
}

export function hex(octets: string): number[] {
  return [...Buffer.from(octets.replaceAll(' ', ''), 'hex')];
}
