import { type DerElement, readDer, readDerChildren } from '../../../lib/der.ts';
import { TRANSPORT_ALPN } from '../../contract/names.ts';
import type { Handshake } from '../transport/types.ts';

const SEQUENCE = 0x30;
const EXTENSIONS = 0xa3;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
/** GeneralName choices: dNSName [2], uniformResourceIdentifier [6] (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 0x82;
const URI = 0x86;
const BOOLEAN = 0x01;
/** 2.5.29.17 and 2.5.29.19 */
const SUBJECT_ALT_NAME = [0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS = [0x55, 0x1d, 0x13];
const MALFORMED = 'malformed';

/**
 * The identity in a certificate: its one subject alternative name, a DNS name or a URI, as it is written. `null` when there is none, more than one, one
 * of another kind, a wildcard, or one with anything but visible ASCII (NUL, blanks), and when the certificate is an authority's: who may sign
 * identities is not one of them. The common name is never looked at.
 */
export function identityOf(certificate: Uint8Array): string | null {
  const extensions = extensionsOf(certificate);
  if (extensions === null) return null;
  const constraints = extensionValue(certificate, extensions, BASIC_CONSTRAINTS);
  if (constraints === MALFORMED || (constraints !== null && isAuthority(certificate, constraints))) return null;
  const alternatives = extensionValue(certificate, extensions, SUBJECT_ALT_NAME);
  if (alternatives === MALFORMED || alternatives === null) return null;
  const names = readDerChildren(certificate, alternatives);
  return names?.length === 1 ? nameText(certificate, names[0]!) : null;
}

/** Every DNS name in a certificate, as written; for servers that are not of the mesh (the API server has many). Empty when there are none. */
export function dnsNamesOf(certificate: Uint8Array): string[] {
  const extensions = extensionsOf(certificate);
  const alternatives = extensions === null ? null : extensionValue(certificate, extensions, SUBJECT_ALT_NAME);
  if (alternatives === null || alternatives === MALFORMED) return [];
  const names = readDerChildren(certificate, alternatives) ?? [];
  return names
    .filter((name) => name.tag === DNS_NAME)
    .map((name) => Buffer.from(certificate.subarray(name.start, name.end)).toString('latin1'));
}

function nameText(bytes: Uint8Array, name: DerElement): string | null {
  if (name.tag !== DNS_NAME && name.tag !== URI) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + name.start, name.end - name.start).toString('latin1');
  return /^[!-)+-~]+$/.test(text) ? text : null;
}

/** `BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, … }`; anything but an absent or false cA counts as one. */
function isAuthority(bytes: Uint8Array, constraints: DerElement): boolean {
  const first = readDer(bytes, constraints.start, constraints.end);
  if (first === null) return constraints.start !== constraints.end;
  return first.tag === BOOLEAN && bytes[first.start] !== 0;
}

/** The SEQUENCE within an extension; `null` when there is no such extension. Two of a kind are no certificate (RFC 5280 section 4.2). */
function extensionValue(
  bytes: Uint8Array,
  extensions: DerElement[],
  oid: number[],
): DerElement | null | typeof MALFORMED {
  let found: DerElement | null = null;
  for (const extension of extensions) {
    const parts = readDerChildren(bytes, extension);
    if (parts === null) return MALFORMED;
    if (!isOid(bytes, parts[0], oid)) continue;
    const value = sequenceIn(bytes, parts.at(-1)!);
    if (found !== null || value === null) return MALFORMED;
    found = value;
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

function isOid(bytes: Uint8Array, element: DerElement | undefined, oid: number[]): boolean {
  if (element?.tag !== OBJECT_IDENTIFIER || element.end - element.start !== oid.length) return false;
  return oid.every((octet, i) => bytes[element.start + i] === octet);
}

function sequenceIn(bytes: Uint8Array, value: DerElement): DerElement | null {
  if (value.tag !== OCTET_STRING) return null;
  const list = readDer(bytes, value.start, value.end);
  return list?.tag === SEQUENCE ? list : null;
}

/** Why somebody is no client of the mesh port. */
export type ClientRefusal =
  | 'alpn'
  | 'client_certificate_missing'
  | 'client_certificate_untrusted'
  | 'client_name_unusable';

/**
 * The identity of a client of the mesh port, or why it has none: it exists only if the protocol of the port was negotiated, the chain is verified, and the
 * certificate has exactly one name. Linkerd's rule for its direct port: without an identity there is nothing to talk about here.
 */
export function clientIdentity(
  handshake: Handshake,
  alpn: string = TRANSPORT_ALPN,
): { identity: string } | { refusal: ClientRefusal } {
  if (handshake.alpn !== alpn) return { refusal: 'alpn' };
  if (handshake.peerCertificate === null) return { refusal: 'client_certificate_missing' };
  if (!handshake.authorized) return { refusal: 'client_certificate_untrusted' };
  const identity = identityOf(handshake.peerCertificate);
  return identity === null ? { refusal: 'client_name_unusable' } : { identity };
}

/** Whether the server is who we meant to reach. Returns why not, or `null` when all is well. */
export function refuseServer(handshake: Handshake, identity: string): string | null {
  const actual = handshake.peerCertificate === null ? null : identityOf(handshake.peerCertificate);
  if (!handshake.authorized) {
    // A runtime that compares names itself says the same of another name as of a chain that leads nowhere.
    const other = actual === null || actual === identity ? '' : ` (it is of ${actual} and not ${identity})`;
    return `the certificate is not trusted${other}: ${handshake.authorizationError}`;
  }
  if (handshake.alpn !== TRANSPORT_ALPN) return 'the peer does not speak the transport protocol';
  return actual === identity ? null : `the peer is ${actual ?? 'nobody'} and not ${identity}`;
}
