import { TRANSPORT_ALPN } from '../../contract/names.ts';
import type { Handshake } from '../transport/types.ts';
import { type DerElement, readDer, readDerChildren } from './der.ts';

const SEQUENCE = 0x30;
const EXTENSIONS = 0xa3;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
/** GeneralName choices: dNSName [2], uniformResourceIdentifier [6] (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 0x82;
const URI = 0x86;
/** 2.5.29.17 */
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];

/**
 * The identity in a certificate: its one subject alternative name, a DNS name or a URI, as it is written. `null` when there is none, more than one, one
 * of another kind, a wildcard, or one with anything but visible ASCII (NUL, blanks). The common name is never looked at.
 */
export function identityOf(certificate: Uint8Array): string | null {
  const names = alternativeNames(certificate);
  if (names === null || names.length !== 1) return null;
  const [name] = names;
  if (name!.tag !== DNS_NAME && name!.tag !== URI) return null;
  const text = Buffer.from(certificate.buffer, certificate.byteOffset + name!.start, name!.end - name!.start).toString(
    'latin1',
  );
  return /^[!-)+-~]+$/.test(text) ? text : null;
}

/** Every DNS name in a certificate, as written; for servers that are not of the mesh (the API server has many). Empty when there are none. */
export function dnsNamesOf(certificate: Uint8Array): string[] {
  const names = alternativeNames(certificate) ?? [];
  return names
    .filter((name) => name.tag === DNS_NAME)
    .map((name) => Buffer.from(certificate.subarray(name.start, name.end)).toString('latin1'));
}

function alternativeNames(bytes: Uint8Array): DerElement[] | null {
  const extensions = extensionsOf(bytes);
  if (extensions === null) return null;
  let found: DerElement[] | null = null;
  for (const extension of extensions) {
    const parts = readDerChildren(bytes, extension);
    if (parts === null) return null;
    if (!isSubjectAltName(bytes, parts[0])) continue;
    // Two such extensions are no certificate (RFC 5280 section 4.2).
    if (found !== null) return null;
    found = namesIn(bytes, parts.at(-1)!);
    if (found === null) return null;
  }
  return found;
}

/** Certificate → TBSCertificate → [3] extensions. */
function extensionsOf(bytes: Uint8Array): DerElement[] | null {
  const certificate = readDer(bytes, 0, bytes.length);
  if (certificate?.tag !== SEQUENCE) return null;
  const toBeSigned = readDer(bytes, certificate.start, certificate.end);
  if (toBeSigned?.tag !== SEQUENCE) return null;
  const tagged = readDerChildren(bytes, toBeSigned)?.find((field) => field.tag === EXTENSIONS);
  const list = tagged === undefined ? null : readDer(bytes, tagged.start, tagged.end);
  return list?.tag === SEQUENCE ? readDerChildren(bytes, list) : null;
}

function isSubjectAltName(bytes: Uint8Array, oid: DerElement | undefined): boolean {
  if (oid?.tag !== OBJECT_IDENTIFIER || oid.end - oid.start !== SUBJECT_ALT_NAME.length) return false;
  return SUBJECT_ALT_NAME.every((octet, i) => bytes[oid.start + i] === octet);
}

function namesIn(bytes: Uint8Array, value: DerElement): DerElement[] | null {
  if (value.tag !== OCTET_STRING) return null;
  const list = readDer(bytes, value.start, value.end);
  return list?.tag === SEQUENCE ? readDerChildren(bytes, list) : null;
}

/** The verified identity of a client of the mesh port; `null` = it has none, and may come only where policy lets anybody in. */
export function clientIdentity(handshake: Handshake): string | null {
  if (!handshake.authorized || handshake.peerCertificate === null) return null;
  return identityOf(handshake.peerCertificate);
}

/** Whether the server is who we meant to reach. Returns why not, or `null` when all is well. */
export function refuseServer(handshake: Handshake, identity: string): string | null {
  if (!handshake.authorized) return `the certificate is not trusted: ${handshake.authorizationError}`;
  if (handshake.alpn !== TRANSPORT_ALPN) return 'the peer does not speak the transport protocol';
  const actual = handshake.peerCertificate === null ? null : identityOf(handshake.peerCertificate);
  return actual === identity ? null : `the peer is ${actual ?? 'nobody'} and not ${identity}`;
}
