import forge from 'node-forge';

/** Short names over `forge.asn1`, which works on strings of one character per byte. */
export type Asn1 = forge.asn1.Asn1;

const { asn1 } = forge;
const { Class, Type } = asn1;

/** The published types know only the boolean form of the second argument. */
const fromDer = asn1.fromDer as unknown as (
  bytes: string,
  options: { strict: boolean; decodeBitStrings: boolean },
) => Asn1;

export function sequence(...items: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, items);
}

export function set(...items: Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, items);
}

export function oid(dotted: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes());
}

export function integer(bytes: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, binary(bytes));
}

export function boolean(value: boolean): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BOOLEAN, false, value ? '\xff' : '\x00');
}

export function utf8(text: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.UTF8, false, forge.util.encodeUtf8(text));
}

export function octets(content: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, binary(content));
}

/** `unusedBits` of the last byte, 0..7. */
export function bits(content: Uint8Array, unusedBits = 0): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.BITSTRING, false, String.fromCharCode(unusedBits) + binary(content));
}

/** `[tag]`, constructed, around `items`. */
export function explicit(tag: number, ...items: Asn1[]): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, true, items);
}

/** `[tag] IMPLICIT`, primitive. */
export function implicit(tag: number, content: Uint8Array): Asn1 {
  return asn1.create(Class.CONTEXT_SPECIFIC, tag as forge.asn1.Type, false, binary(content));
}

/** UTCTime before 2050, GeneralizedTime from then on (RFC 5280, 4.1.2.5); whole seconds. */
export function time(ms: number): Asn1 {
  const date = new Date(ms);
  return date.getUTCFullYear() < 2050
    ? asn1.create(Class.UNIVERSAL, Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(Class.UNIVERSAL, Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
}

export function encode(node: Asn1): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'binary');
}

/**
 * Reads DER, and nothing but DER: what forge tolerates (indefinite lengths, padding) does not encode back to the same bytes.
 * @throws Error on anything else
 */
export function decode(der: Uint8Array): Asn1 {
  // Without `decodeBitStrings` a signature or key that happens to look like ASN.1 stays what it is: bytes.
  const node = fromDer(binary(der), { strict: true, decodeBitStrings: false });
  if (!encode(node).equals(der)) throw new Error('not DER');
  return node;
}

/** The elements of a constructed node. @throws Error when it is primitive */
export function children(node: Asn1 | undefined): Asn1[] {
  if (node === undefined || !Array.isArray(node.value)) throw new Error('expected a constructed element');
  return node.value;
}

/** The content of a primitive node. @throws Error when it is constructed */
export function content(node: Asn1 | undefined): Buffer {
  if (node === undefined || typeof node.value !== 'string') throw new Error('expected a primitive element');
  return Buffer.from(node.value, 'binary');
}

export function isContext(node: Asn1 | undefined, tag: number): boolean {
  return node !== undefined && node.tagClass === Class.CONTEXT_SPECIFIC && (node.type as number) === tag;
}

export function isUniversal(node: Asn1 | undefined, type: keyof typeof forge.asn1.Type): boolean {
  return node !== undefined && node.tagClass === Class.UNIVERSAL && node.type === Type[type];
}

/** Dotted form of an object identifier. @throws Error on another element */
export function dottedOid(node: Asn1 | undefined): string {
  if (!isUniversal(node, 'OID')) throw new Error('expected an object identifier');
  return asn1.derToOid(content(node).toString('binary'));
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('binary');
}
