import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync, randomBytes, sign, X509Certificate } from 'node:crypto';
import type { Asn1 } from './asn1.ts';
import {
  bits,
  children,
  content,
  decode,
  dottedOid,
  encode,
  explicit,
  integer,
  isContext,
  oid,
  sequence,
  set,
  time,
  utf8,
} from './asn1.ts';
import { keyIdentifier, OID } from './extensions.ts';

export interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/** Everything in a certificate but the signature. Times in milliseconds since the epoch, rounded down to seconds. */
export interface CertificateFields {
  serial: Uint8Array;
  issuer: Asn1;
  subject: Asn1;
  publicKey: KeyObject;
  notBeforeMs: number;
  notAfterMs: number;
  extensions: Asn1[];
}

export function generateKeyPair(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** Positive, at most 20 octets, unpredictable (RFC 5280, 4.1.2.2): no two replicas can collide. */
export function randomSerial(): Uint8Array {
  const serial = randomBytes(16);
  // Clear the sign bit, and keep the first octet from being a zero that DER would not allow.
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

/** A distinguished name of one CN; empty for ''. */
export function commonName(name: string): Asn1 {
  return name === '' ? sequence() : sequence(set(sequence(oid(OID.commonName), utf8(name))));
}

/** Signs with ECDSA-SHA256: `signer` is a P-256 key. */
export function signCertificate(fields: CertificateFields, signer: KeyObject): X509Certificate {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const info = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(fields.serial),
    algorithm,
    fields.issuer,
    sequence(time(fields.notBeforeMs), time(fields.notAfterMs)),
    fields.subject,
    decode(fields.publicKey.export({ type: 'spki', format: 'der' })),
    explicit(3, sequence(...fields.extensions)),
  );
  const signature = sign('sha256', encode(info), signer);
  return new X509Certificate(encode(sequence(info, algorithm, bits(signature))));
}

/** Position of `subject` in TBSCertificate, behind version, serial, signature, issuer, validity. */
const SUBJECT = 5;

/** The subject as it stands in the certificate: what it signs must name its issuer byte for byte. */
export function subjectOf(certificate: X509Certificate): Asn1 {
  return children(children(decode(certificate.raw))[0])[SUBJECT]!;
}

/** Its SubjectKeyIdentifier; a digest of the key where the certificate has none. */
export function keyIdentifierOf(certificate: X509Certificate): Uint8Array {
  const fields = children(children(decode(certificate.raw))[0]);
  const last = fields.at(-1);
  const extensions = isContext(last, 3) ? children(children(last)[0]) : [];
  const found = extensions.find((item) => dottedOid(children(item)[0]) === OID.subjectKeyIdentifier);
  if (found === undefined) return keyIdentifier(certificate.publicKey);
  return content(decode(content(children(found).at(-1))));
}

export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

export function matches(certificate: X509Certificate, privateKey: KeyObject): boolean {
  return certificate.publicKey.equals(createPublicKey(privateKey));
}

/** PEM text of certificates, each with its final newline. */
export function toPem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('');
}

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** All certificates of a PEM text, in order. @throws Error when a block is not a certificate */
export function fromPem(pem: string): X509Certificate[] {
  return (pem.match(PEM_BLOCK) ?? []).map((block) => new X509Certificate(block));
}
