import type { KeyObject, X509Certificate } from 'node:crypto';
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

/** RFC 5280 appendix A.1, ub-common-name: longer identities stand in the SAN alone. */
const MAX_COMMON_NAME_LENGTH = 64;

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

/** An intermediate below `parent`, which signs leaves only. Its life ends with the parent's at the latest. */
export function createIssuer(parent: Authority, name: string, lifetimeMs: number, nowMs: number): Authority {
  const keys = generateKeyPair();
  const fields = {
    serial: randomSerial(),
    issuer: subjectOf(parent.certificate),
    subject: commonName(name),
    publicKey: keys.publicKey,
    notBeforeMs: nowMs - BACKDATE_MS,
    notAfterMs: Math.min(nowMs + lifetimeMs, notAfterMsOf(parent.certificate)),
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
  return { certificate, chainPem: toPem([certificate, ...authority.chain]), notBeforeMs, notAfterMs };
}

export function notAfterMsOf(certificate: X509Certificate): number {
  return certificate.validToDate.getTime();
}

/** The earliest end among the authority, its intermediates, and the longest-lived anchor that it chains to. */
export function expiryOf(authority: Authority): number {
  const links = [authority.certificate, ...authority.chain].map(notAfterMsOf);
  return Math.min(...links, Math.max(...authority.anchors.map(notAfterMsOf)));
}
