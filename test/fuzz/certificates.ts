/**
 * Fuzzes the readers of DER: identities and keys in certificates (proxy), signing requests (operator). OpenSSL is the second reader: an identity is found only
 * where it finds that one name, and no authority.
 */
import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { decode } from '../../operator/pki/asn1.ts';
import { generateKeyPair } from '../../operator/pki/certificate.ts';
import { parseCsr } from '../../operator/pki/csr.ts';
import { certificationRequest, certificationRequestInfo } from '../../proxy-image/contract/der.ts';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { dnsNamesOf, identityOf } from '../../proxy-image/io/tls/identity.ts';
import { publicKeyOfCertificate, publicKeyOfPrivateKey } from '../../proxy-image/io/transport/public-key.ts';
import { createLeaf, createTestAuthority, LEAF_DEFECTS } from '../support/certificates.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const IDENTITY = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

/** Lengths, tags and object identifiers that decide something. */
const PIECES: readonly string[] = [
  '\x00',
  '\x80',
  '\x81\xff',
  '\x83\xff\xff\xff',
  '\x84\xff\xff\xff\xff',
  '\x30\x80',
  '\x30\x00',
  '\xa3\x02\x30\x00',
  '\x04\x02\x30\x00',
  '\x06\x03\x55\x1d\x11',
  '\x06\x03\x55\x1d\x13',
  '\x01\x01\xff',
  '\x82\x03a.b',
  '\x82\x01*',
  '\x86\x03x:y',
  '\x87\x04\x0a\x00\x00\x01',
  '\x03\x02\x00\x04',
];

export interface FuzzInput {
  certificate: string;
  key: string;
  request: string;
  /** To be asked for by a proxy. */
  identity: string;
}

interface Seeds {
  certificates: string[];
  key: string;
  request: string;
}

function createSeeds(): Seeds {
  const authority = createTestAuthority();
  const leaves = LEAF_DEFECTS.map((defect) => createLeaf(authority, IDENTITY, defect));
  const key = createPrivateKey(leaves[0]!.keyPem).export({ type: 'pkcs8', format: 'der' });
  const keys = generateKeyPair();
  const info = certificationRequestInfo(IDENTITY, keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65));
  const signature = sign('sha256', info, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' });
  return {
    certificates: [...leaves.map((leaf) => leaf.certificate), ...authority.issuer.anchors].map(({ raw }) =>
      raw.toString('latin1'),
    ),
    key: key.toString('latin1'),
    request: Buffer.from(certificationRequest(info, signature)).toString('latin1'),
  };
}

export class Fuzzer {
  readonly #mutator: Mutator;
  readonly #seeds: Seeds = createSeeds();

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const { certificates, key, request } = this.#seeds;
    return {
      certificate: this.#mutator.text(this.#mutator.pick(certificates), PIECES, 2),
      key: this.#mutator.text(key, PIECES, 2),
      request: this.#mutator.text(request, PIECES, 2),
      identity: this.#mutator.text(IDENTITY, [...PIECES, 'a'.repeat(63), 'ü', '.'], 2),
    };
  }
}

export function check(input: FuzzInput): void {
  checkCertificate(Buffer.from(input.certificate, 'latin1'));
  publicKeyOfPrivateKey(Buffer.from(input.key, 'latin1'));
  checkRequest(Buffer.from(input.request, 'latin1'));
  checkWritten(input.identity);
}

function checkCertificate(der: Buffer): void {
  const identity = identityOf(der);
  const key = publicKeyOfCertificate(der);
  for (const name of dnsNamesOf(der))
    if (name.length > der.length) throw new Error('a name longer than its certificate');
  const reference = openssl(der);
  if (reference === null) return;
  if (identity !== null) {
    const names = reference.subjectAltName ?? '';
    if (nameIn(names) !== identity) throw new Error(`identity ${identity}, names ${names}`);
    if (reference.ca) throw new Error(`identity ${identity} in the certificate of an authority`);
  }
  const spki = spkiOf(reference);
  if (spki !== null && (key === null || !spki.subarray(-(key.length - 1)).equals(key.subarray(1)))) {
    throw new Error('another public key');
  }
}

/** Of a text with one name: Node writes one with commas or quotes as JSON. */
function nameIn(names: string): string {
  const name = names.replace(/^(DNS|URI):/, '');
  return name.startsWith('"') ? String(JSON.parse(name)) : name;
}

function openssl(der: Buffer): X509Certificate | null {
  try {
    const certificate = new X509Certificate(der);
    // Bytes behind the certificate are not looked at by OpenSSL.
    return certificate.raw.equals(der) ? certificate : null;
  } catch {
    return null;
  }
}

function spkiOf(certificate: X509Certificate): Buffer | null {
  try {
    return certificate.publicKey.export({ type: 'spki', format: 'der' });
  } catch {
    return null;
  }
}

function checkRequest(der: Buffer): void {
  try {
    const { requestedNames } = parseCsr(der);
    if (requestedNames.length > 8) throw new Error('too many names');
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'WEFT_SIGNING_CSR') throw error;
  }
}

/** What a proxy writes is DER, whatever identity it is told to ask for; what it cannot write it refuses. */
function checkWritten(identity: string): void {
  const point = Buffer.alloc(65, 4);
  let info: Uint8Array;
  try {
    info = certificationRequestInfo(identity, point);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return;
  }
  decode(certificationRequest(info, Buffer.alloc(64, identity.length)));
}

if (import.meta.main) runFromCommandLine('certificates', (seed) => new Fuzzer(seed), check);
