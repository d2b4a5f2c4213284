/**
 * The DER that a proxy needs to ask for a certificate: a PKCS#10 request (RFC 2986) for a P-256 key, signed with
 * ECDSA-SHA256 (RFC 5758), whose CN and one DNS SAN are the identity. Nothing is read here, only written.
 */
const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  /** [0] constructed: `attributes` of CertificationRequestInfo. */
  context0: 0xa0,
  /** [2] primitive: `dNSName` of GeneralName. */
  dnsName: 0x82,
} as const;

/** Contents octets of object identifiers (X.690 8.19), written out: there are only six of them. */
const OID = {
  /** 2.5.4.3 */
  commonName: [0x55, 0x04, 0x03],
  /** 2.5.29.17 */
  subjectAltName: [0x55, 0x1d, 0x11],
  /** 1.2.840.113549.1.9.14 */
  extensionRequest: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e],
  /** 1.2.840.10045.2.1 */
  ecPublicKey: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  /** 1.2.840.10045.3.1.7 */
  prime256v1: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
  /** 1.2.840.10045.4.3.2 */
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
} as const;

/** RFC 5280 appendix A.1, ub-common-name; a longer identity stands in the SAN alone. */
export const MAX_COMMON_NAME_LENGTH = 64;

/** Bytes of an uncompressed P-256 point, as WebCrypto exports it with format `raw` (SEC 1, 2.3.3). */
export const P256_POINT_BYTES = 65;

/** Bytes of an ECDSA P-256 signature as WebCrypto gives it: r and s, 32 bytes each (IEEE P1363). */
export const P256_SIGNATURE_BYTES = 64;

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 8) octets.unshift(rest & 0xff);
  return [0x80 | octets.length, ...octets];
}

function element(tag: number, ...parts: readonly ArrayLike<number>[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const head = lengthOctets(length);
  const bytes = new Uint8Array(1 + head.length + length);
  bytes[0] = tag;
  bytes.set(head, 1);
  let offset = 1 + head.length;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function objectIdentifier(contents: readonly number[]): Uint8Array {
  return element(TAG.objectIdentifier, contents);
}

/** `bytes` is an unsigned big-endian number; DER wants the fewest octets and a clear sign bit (X.690 8.3.2). */
function unsignedInteger(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const significant = bytes.subarray(start);
  return (significant[0] ?? 0) >= 0x80
    ? element(TAG.integer, [0], significant)
    : element(TAG.integer, significant.length === 0 ? [0] : significant);
}

function subject(identity: Uint8Array): Uint8Array {
  if (identity.length > MAX_COMMON_NAME_LENGTH) return element(TAG.sequence);
  const attribute = element(TAG.sequence, objectIdentifier(OID.commonName), element(TAG.utf8String, identity));
  return element(TAG.sequence, element(TAG.set, attribute));
}

function subjectPublicKeyInfo(point: Uint8Array): Uint8Array {
  const algorithm = element(TAG.sequence, objectIdentifier(OID.ecPublicKey), objectIdentifier(OID.prime256v1));
  return element(TAG.sequence, algorithm, element(TAG.bitString, [0], point));
}

function extensionRequest(identity: Uint8Array): Uint8Array {
  const names = element(TAG.sequence, element(TAG.dnsName, identity));
  const extension = element(TAG.sequence, objectIdentifier(OID.subjectAltName), element(TAG.octetString, names));
  const values = element(TAG.set, element(TAG.sequence, extension));
  return element(TAG.sequence, objectIdentifier(OID.extensionRequest), values);
}

/**
 * The bytes to be signed.
 * @param identity ASCII DNS name
 * @param point uncompressed public point, 65 bytes starting with 4
 * @throws RangeError when the point is not of that form or the identity is not ASCII
 */
export function certificationRequestInfo(identity: string, point: Uint8Array): Uint8Array {
  if (point.length !== P256_POINT_BYTES || point[0] !== 4) throw new RangeError('not an uncompressed P-256 point');
  if (!/^[\x21-\x7e]{1,253}$/.test(identity))
    throw new RangeError('identity must be 1 to 253 printable ASCII characters');
  const name = new TextEncoder().encode(identity);
  return element(
    TAG.sequence,
    element(TAG.integer, [0]),
    subject(name),
    subjectPublicKeyInfo(point),
    element(TAG.context0, extensionRequest(name)),
  );
}

/** r and s of 32 bytes each → `ECDSA-Sig-Value` (RFC 3279, 2.2.3). */
export function ecdsaSignatureValue(signature: Uint8Array): Uint8Array {
  if (signature.length !== P256_SIGNATURE_BYTES) throw new RangeError('an ECDSA P-256 signature has 64 bytes');
  return element(TAG.sequence, unsignedInteger(signature.subarray(0, 32)), unsignedInteger(signature.subarray(32)));
}

/** Puts info and signature (r and s, 64 bytes) together. */
export function certificationRequest(info: Uint8Array, signature: Uint8Array): Uint8Array {
  const algorithm = element(TAG.sequence, objectIdentifier(OID.ecdsaWithSha256));
  return element(TAG.sequence, info, algorithm, element(TAG.bitString, [0], ecdsaSignatureValue(signature)));
}

/**
 * A certificate request in DER. `sign` is ECDSA with SHA-256 over its argument and returns r and s, 64 bytes:
 * `crypto.subtle.sign({name: 'ECDSA', hash: 'SHA-256'}, key, info)`, or `sign('sha256', info, {key, dsaEncoding: 'ieee-p1363'})`.
 */
export async function writeCsr(
  identity: string,
  point: Uint8Array,
  sign: (info: Uint8Array) => Promise<Uint8Array> | Uint8Array,
): Promise<Uint8Array> {
  const info = certificationRequestInfo(identity, point);
  return certificationRequest(info, await sign(info));
}
