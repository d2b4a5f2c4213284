import type { KeyObject } from 'node:crypto';
import { createHash } from 'node:crypto';
import { parseIp } from '../../lib/ip.ts';
import type { Asn1 } from './asn1.ts';
import { bits, boolean, encode, implicit, integer, octets, oid, sequence } from './asn1.ts';

/** X.509 version 3 extensions (RFC 5280, 4.2.1). */
export const OID = {
  commonName: '2.5.4.3',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

function extension(id: string, critical: boolean, value: Asn1): Asn1 {
  const wrapped = octets(encode(value));
  return critical ? sequence(oid(id), boolean(true), wrapped) : sequence(oid(id), wrapped);
}

/** `pathLength` counts the intermediates that may follow; -1 = no limit. Only for authorities. */
export function basicConstraints(isAuthority: boolean, pathLength = -1): Asn1 {
  const fields = isAuthority ? [boolean(true)] : [];
  if (isAuthority && pathLength >= 0) fields.push(integer(Uint8Array.of(pathLength)));
  return extension(OID.basicConstraints, true, sequence(...fields));
}

/** First octet of the bit string (RFC 5280, 4.2.1.3): bit 0 is the highest. */
const KEY_USAGE = { digitalSignature: 0b1000_0000, keyCertSign: 0b0000_0100, cRLSign: 0b0000_0010 } as const;

export function keyUsage(...usages: readonly (keyof typeof KEY_USAGE)[]): Asn1 {
  let octet = 0;
  for (const usage of usages) octet |= KEY_USAGE[usage];
  let unusedBits = 0;
  while (((octet >>> unusedBits) & 1) === 0) unusedBits += 1;
  return extension(OID.keyUsage, true, bits(Uint8Array.of(octet), unusedBits));
}

export function extendedKeyUsage(purposes: readonly string[]): Asn1 {
  return extension(OID.extendedKeyUsage, false, sequence(...purposes.map(oid)));
}

/** GeneralName (RFC 5280, 4.2.1.6): dNSName is [2]; iPAddress, which is what a client compares that was given an address, is [7]. */
function generalName(name: string): Asn1 {
  const address = parseIp(name);
  return address === null ? implicit(2, Buffer.from(name, 'latin1')) : implicit(7, address);
}

/** DNS names, unchecked, and IP addresses. Critical where the subject is empty (RFC 5280, 4.2.1.6). */
export function subjectAltName(names: readonly string[], critical: boolean): Asn1 {
  return extension(OID.subjectAltName, critical, sequence(...names.map(generalName)));
}

export function subjectKeyIdentifier(publicKey: KeyObject): Asn1 {
  return extension(OID.subjectKeyIdentifier, false, octets(keyIdentifier(publicKey)));
}

export function authorityKeyIdentifier(identifier: Uint8Array): Asn1 {
  return extension(OID.authorityKeyIdentifier, false, sequence(implicit(0, identifier)));
}

/** First 160 bits of the SHA-256 of the key (RFC 7093, method 1). */
export function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}
