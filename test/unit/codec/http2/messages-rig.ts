import { HeaderList } from '../../../../proxy-image/codec/http2/hpack/header-list.ts';
import { DecoderRig, fieldsOf } from './hpack-rig.ts';
import type { Field } from './plain-hpack.ts';

export function listOf(fields: readonly Field[], sensitive: ReadonlySet<number> | null = null): HeaderList {
  const names = fields.map(([name]) => name);
  const values = fields.map(([, value]) => value);
  return new HeaderList(
    names,
    values,
    fields.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0),
    sensitive,
  );
}

/** What a block says, as the next hop reads it. */
export function read(block: Buffer): Field[] {
  return fieldsOf(new DecoderRig().list([...block]));
}

/** A value as a Result of `requestOf` and the like that must not be a rejection. */
export function valid<T extends object>(result: T | number): T {
  if (typeof result === 'number') throw new Error(`refused: ${result}`);
  return result;
}
