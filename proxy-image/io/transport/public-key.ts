import { type DerElement, readDer, readDerChildren } from '../../../lib/der.ts';

const SEQUENCE = 0x30;
const OCTET_STRING = 0x04;
const BIT_STRING = 0x03;
/** [0] version of a certificate; [1] publicKey of an EC private key. */
const VERSION = 0xa0;
const PUBLIC_KEY = 0xa1;

/** Bits of the subject's public key as they stand in the certificate (RFC 5280 section 4.1); `null` when the bytes are no certificate. */
export function publicKeyOfCertificate(certificate: Uint8Array): Uint8Array | null {
  const toBeSigned = sequence(certificate, { start: 0, end: certificate.length })?.[0];
  const fields = toBeSigned?.tag === SEQUENCE ? readDerChildren(certificate, toBeSigned) : null;
  if (fields === null) return null;
  // version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
  const info = fields[fields[0]?.tag === VERSION ? 6 : 5];
  const bits = info?.tag === SEQUENCE ? readDerChildren(certificate, info)?.[1] : undefined;
  return bits?.tag === BIT_STRING ? certificate.subarray(bits.start, bits.end) : null;
}

/**
 * Bits of the public key that an EC private key in PKCS#8 carries along (RFC 5915; WebCrypto and OpenSSL both write it); `null` when the bytes are
 * something else. So that a key and a certificate can be compared without `node:crypto`, which costs a proxy 2 MiB.
 */
export function publicKeyOfPrivateKey(key: Uint8Array): Uint8Array | null {
  const octets = sequence(key, { start: 0, end: key.length })?.[2];
  const fields = octets?.tag === OCTET_STRING ? sequence(key, octets) : null;
  const tagged = fields?.find((field) => field.tag === PUBLIC_KEY);
  const bits = tagged === undefined ? null : readDer(key, tagged.start, tagged.end);
  return bits?.tag === BIT_STRING ? key.subarray(bits.start, bits.end) : null;
}

/** Members of the SEQUENCE that fills `range`. */
function sequence(bytes: Uint8Array, range: Pick<DerElement, 'start' | 'end'>): DerElement[] | null {
  const outer = readDer(bytes, range.start, range.end);
  return outer?.tag === SEQUENCE && outer.end === range.end ? readDerChildren(bytes, outer) : null;
}
