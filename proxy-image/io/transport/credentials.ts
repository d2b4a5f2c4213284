import { WeftError } from '../../contract/errors.ts';
import { publicKeyOfCertificate, publicKeyOfPrivateKey } from './public-key.ts';
import type { TlsCredentials } from './types.ts';

/** Throws WEFT_TLS_CREDENTIALS unless a handshake with these could work: found at rotation, not at the first connection of a peer. */
export function checkCredentials({ keyPem, certificatePem, anchorsPem }: TlsCredentials): void {
  if (publicKeys(anchorsPem, 'the trust anchors').length === 0) throw wrong('there is no trust anchor');
  if (keyPem === '' && certificatePem === '') return;
  const [leaf] = publicKeys(certificatePem, 'the certificate');
  if (leaf === undefined) throw wrong('there is a key but no certificate');
  const [key] = pemBlocks(keyPem, 'PRIVATE KEY').map(publicKeyOfPrivateKey);
  if (key === undefined || key === null) throw wrong('the key is no EC key in PKCS#8');
  if (Buffer.compare(leaf, key) !== 0) throw wrong('the key is not the certificate’s');
}

function publicKeys(pem: string, what: string): Uint8Array[] {
  return pemBlocks(pem, 'CERTIFICATE').map((der) => {
    const key = publicKeyOfCertificate(der);
    if (key === null) throw wrong(`${what} does not parse`);
    return key;
  });
}

function pemBlocks(pem: string, label: string): Uint8Array[] {
  const blocks = pem.matchAll(new RegExp(`-----BEGIN ${label}-----([^-]+)-----END ${label}-----`, 'g'));
  return [...blocks].map(([, base64]) => Buffer.from(base64!, 'base64'));
}

function wrong(detail: string): WeftError {
  return new WeftError('WEFT_TLS_CREDENTIALS', detail);
}
