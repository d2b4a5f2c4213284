import type { KeyObject, X509Certificate } from 'node:crypto';
import { MAX_COMMON_NAME_LENGTH } from '../../proxy-image/contract/der.ts';
import {
  commonName,
  generateKeyPair,
  keyIdentifierOf,
  randomSerial,
  signCertificate,
  subjectOf,
  toPem,
} from './certificate.ts';
import {
  authorityKeyIdentifier,
  basicConstraints,
  extendedKeyUsage,
  keyUsage,
  OID,
  subjectAltName,
  subjectKeyIdentifier,
} from './extensions.ts';

/** Clocks of nodes differ; a certificate must be valid at once everywhere. */
export const BACKDATE_MS = 5 * 60_000;

/** Longest life of a leaf, whatever the Mesh says: there is no revocation but expiry. */
export const MAX_LEAF_LIFETIME_MS = 7 * 86_400_000;

/** So many roots of before vouch for the present one, each by one certificate more in every handshake. */
const MAX_CROSSED = 3;

/** A CA certificate with its key, and what its leaves are verified with. */
export interface Authority {
  certificate: X509Certificate;
  privateKey: KeyObject;
  /** What a leaf's chain carries behind the leaf: this certificate and intermediates above it, without the anchor. */
  chain: X509Certificate[];
  anchors: X509Certificate[];
}

export interface LeafRequest {
  publicKey: KeyObject;
  dnsNames: readonly string[];
  lifetimeMs: number;
  nowMs: number;
}

export interface Leaf {
  certificate: X509Certificate;
  /** Leaf first. */
  chainPem: string;
  notBeforeMs: number;
  notAfterMs: number;
}

/** A self-signed root. */
export function createAnchor(name: string, lifetimeMs: number, nowMs: number): Authority {
  const keys = generateKeyPair();
  const subject = commonName(name);
  const fields = {
    serial: randomSerial(),
    issuer: subject,
    subject,
    publicKey: keys.publicKey,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: nowMs + lifetimeMs,
    extensions: [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(keys.publicKey)],
  };
  const certificate = signCertificate(fields, keys.privateKey);
  return { certificate, privateKey: keys.privateKey, chain: [], anchors: [certificate] };
}

/**
 * The root that takes the place of `anchor`, with a certificate of the new key by the old one behind it in `chain`: whoever trusts only
 * the old root, because it was away or started long ago, verifies by way of that one for as long as the old root lives. The old key is
 * needed no more. An anchor that has ended can vouch for nobody: its successor stands alone.
 */
export function createSuccessor(anchor: Authority, name: string, lifetimeMs: number, nowMs: number): Authority {
  const next = createAnchor(name, lifetimeMs, nowMs);
  const lastMs = expiryOf(anchor);
  if (lastMs <= nowMs) return next;
  const { publicKey } = next.certificate;
  const crossed = signCertificate(
    {
      serial: randomSerial(),
      issuer: subjectOf(anchor.certificate),
      subject: subjectOf(next.certificate),
      publicKey,
      notBeforeMs: nowMs - BACKDATE_MS,
      notAfterMs: Math.min(nowMs + lifetimeMs, lastMs),
      extensions: [
        basicConstraints(true),
        keyUsage('keyCertSign', 'cRLSign'),
        subjectKeyIdentifier(publicKey),
        authorityKeyIdentifier(keyIdentifierOf(anchor.certificate)),
      ],
    },
    anchor.privateKey,
  );
  return {
    certificate: next.certificate,
    privateKey: next.privateKey,
    chain: [crossed, ...anchor.chain].slice(0, MAX_CROSSED),
    anchors: [next.certificate, ...anchor.anchors],
  };
}

/** An intermediate below `parent`, which signs leaves only. Its life ends with the parent's at the latest. */
export function createIssuer(parent: Authority, name: string, lifetimeMs: number, nowMs: number): Authority {
  const keys = generateKeyPair();
  const fields = {
    serial: randomSerial(),
    issuer: subjectOf(parent.certificate),
    subject: commonName(name),
    publicKey: keys.publicKey,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: issuerEndMs(parent, lifetimeMs, nowMs),
    extensions: [
      basicConstraints(true, 0),
      keyUsage('keyCertSign', 'cRLSign'),
      subjectKeyIdentifier(keys.publicKey),
      authorityKeyIdentifier(keyIdentifierOf(parent.certificate)),
    ],
  };
  const certificate = signCertificate(fields, parent.privateKey);
  return {
    certificate,
    privateKey: keys.privateKey,
    chain: [certificate, ...parent.chain],
    anchors: parent.anchors,
  };
}

/** When an issuer that is made now would end. */
function issuerEndMs(parent: Authority, lifetimeMs: number, nowMs: number): number {
  return Math.min(nowMs + lifetimeMs, notAfterMsOf(parent.certificate));
}

/** An end-entity certificate for TLS in both roles; its life is cut to what the whole chain above it still has. */
export function issueLeaf(authority: Authority, request: LeafRequest): Leaf {
  const first = request.dnsNames[0] ?? '';
  const name = first.length <= MAX_COMMON_NAME_LENGTH ? first : '';
  const notBeforeMs = request.nowMs - BACKDATE_MS;
  const notAfterMs = Math.min(request.nowMs + request.lifetimeMs, expiryOf(authority));
  const certificate = signCertificate(
    {
      serial: randomSerial(),
      issuer: subjectOf(authority.certificate),
      subject: commonName(name),
      publicKey: request.publicKey,
      notBeforeMs,
      notAfterMs,
      extensions: [
        basicConstraints(false),
        keyUsage('digitalSignature'),
        extendedKeyUsage([OID.serverAuth, OID.clientAuth]),
        subjectAltName(request.dnsNames, name === ''),
        subjectKeyIdentifier(request.publicKey),
        authorityKeyIdentifier(keyIdentifierOf(authority.certificate)),
      ],
    },
    authority.privateKey,
  );
  // The way over an older root may end first: whoever still needs it by then could not use the leaf to its end either.
  const chain = leading(authority.chain, (link) => notAfterMsOf(link) >= certificate.validToDate.getTime());
  return { certificate, chainPem: toPem([certificate, ...chain]), notBeforeMs, notAfterMs };
}

export function notAfterMsOf(certificate: X509Certificate): number {
  return certificate.validToDate.getTime();
}

/**
 * How long what the authority signs can be verified: of all ways up to an anchor, the one that lasts longest. 0 when there is none. Follows
 * names and key identifiers; signatures were checked when the authority was read or made.
 */
export function expiryOf({ certificate, chain, anchors }: Authority): number {
  const own = anchors.find(({ fingerprint256 }) => fingerprint256 === certificate.fingerprint256);
  let bestMs = own === undefined ? 0 : notAfterMsOf(own);
  let endMs = Number.POSITIVE_INFINITY;
  for (const link of chain) {
    endMs = Math.min(endMs, notAfterMsOf(link));
    for (const anchor of anchors) {
      const ends = anchor.fingerprint256 === link.fingerprint256 || link.checkIssued(anchor);
      if (ends) bestMs = Math.max(bestMs, Math.min(endMs, notAfterMsOf(anchor)));
    }
  }
  return bestMs;
}

/** What stands before the first item that does not hold. */
export function leading<T>(items: readonly T[], holds: (item: T, index: number) => boolean): T[] {
  const end = items.findIndex((item, index) => !holds(item, index));
  return end === -1 ? [...items] : items.slice(0, end);
}
