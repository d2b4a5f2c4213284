import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import { MAX_CSR_BYTES } from '../../proxy-image/contract/identity-messages.ts';
import { type Asn1, children, content, decode, dottedOid, encode, isContext, isUniversal } from './asn1.ts';
import { isP256 } from './certificate.ts';
import { OID } from './extensions.ts';

/** What is kept of a PKCS#10 request (RFC 2986). */
export interface CertificateRequest {
  publicKey: KeyObject;
  /** CN and SANs it asked for: never granted, only written to the audit line. */
  requestedNames: string[];
}

/** Names kept for the audit line; a request of ours has two. */
const MAX_NAMES = 8;

/**
 * Reads a request and proves that its sender holds the private key.
 * @throws ControlPlaneError WEFT_SIGNING_CSR on anything but a P-256 request that is signed by its key and asks for no authority
 */
export function parseCsr(der: Uint8Array): CertificateRequest {
  if (der.length > MAX_CSR_BYTES) throw refused(`it has ${der.length} bytes, at most ${MAX_CSR_BYTES} are read`);
  let parts: RequestParts;
  try {
    parts = partsOf(der);
  } catch (error) {
    throw refused('it is not a PKCS#10 request in DER', error);
  }
  if (!isP256(parts.publicKey)) throw refused('its key is not ECDSA P-256');
  if (!isSigned(parts)) throw refused('its signature is not by its key with ECDSA-SHA256');
  if (parts.asksForAuthority) throw refused('it asks for the certificate of an authority');
  return { publicKey: parts.publicKey, requestedNames: parts.names.slice(0, MAX_NAMES) };
}

function refused(detail: string, cause?: unknown): CodedError {
  return new ControlPlaneError('WEFT_SIGNING_CSR', detail, cause);
}

interface RequestParts {
  info: Buffer;
  publicKey: KeyObject;
  algorithm: string;
  signature: Buffer;
  names: string[];
  asksForAuthority: boolean;
}

function partsOf(der: Uint8Array): RequestParts {
  const [info, algorithm, signature] = unsignedParts(decode(der));
  const [version, subject, spki, attributes] = children(info);
  if (content(version).toString('hex') !== '00') throw new Error('unknown version');
  const extensions = isContext(attributes, 0) ? extensionsOf(children(attributes)) : [];
  return {
    info: encode(info),
    publicKey: createPublicKey({ key: encode(spki!), format: 'der', type: 'spki' }),
    algorithm,
    signature,
    names: [...commonNames(subject!), ...extensions.flatMap(alternativeNames)],
    asksForAuthority: extensions.some(isAuthority),
  };
}

/** The frame that the signature does not cover: held to its form here. */
function unsignedParts(request: Asn1): [info: Asn1, algorithm: string, signature: Buffer] {
  const [info, algorithm, signature, ...rest] = children(request);
  const [id, ...parameters] = children(algorithm);
  const bits = content(signature);
  const wellFormed =
    isUniversal(request, 'SEQUENCE') &&
    isUniversal(algorithm, 'SEQUENCE') &&
    isUniversal(signature, 'BITSTRING') &&
    bits[0] === 0 &&
    rest.length + parameters.length === 0;
  if (info === undefined || !wellFormed) throw new Error('unexpected form');
  return [info, dottedOid(id), bits.subarray(1)];
}

function isSigned({ info, publicKey, algorithm, signature }: RequestParts): boolean {
  return algorithm === OID.ecdsaWithSha256 && verify('sha256', info, publicKey, signature);
}

interface Extension {
  id: string;
  value: Asn1;
}

function extensionsOf(attributes: Asn1[]): Extension[] {
  return attributes
    .map((attribute) => children(attribute))
    .filter(([id]) => dottedOid(id) === OID.extensionRequest)
    .flatMap(([, values]) => children(children(values)[0]))
    .map((extension) => {
      const parts = children(extension);
      return { id: dottedOid(parts[0]), value: decode(content(parts.at(-1))) };
    });
}

function commonNames(subject: Asn1): string[] {
  return children(subject)
    .flatMap((relative) => children(relative))
    .map((attribute) => children(attribute))
    .filter(([id]) => dottedOid(id) === OID.commonName)
    .map(([, value]) => content(value).toString('utf8'));
}

/** DNS names as text; another kind of name (address, URI) by the number of its kind (RFC 5280, GeneralName). */
function alternativeNames({ id, value }: Extension): string[] {
  if (id !== OID.subjectAltName) return [];
  return children(value).map((name) => (isContext(name, 2) ? content(name).toString('latin1') : `[${name.type}]`));
}

function isAuthority({ id, value }: Extension): boolean {
  if (id !== OID.basicConstraints) return false;
  const [flag] = children(value);
  return isUniversal(flag, 'BOOLEAN') && content(flag)[0] !== 0;
}
