import { createPrivateKey, X509Certificate } from 'node:crypto';
import { WeftError } from '../../contract/errors.ts';
import type { TlsCredentials } from './types.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Throws WEFT_TLS_CREDENTIALS unless a handshake with these could work: found at rotation, not at the first connection of a peer. */
export function checkCredentials({ keyPem, certificatePem, anchorsPem }: TlsCredentials): void {
  const anchors = parseCertificates(anchorsPem, 'the trust anchors');
  if (anchors.length === 0) throw new WeftError('WEFT_TLS_CREDENTIALS', 'there is no trust anchor');
  if (keyPem === '' && certificatePem === '') return;
  const leaf = parseCertificates(certificatePem, 'the certificate')[0];
  if (leaf === undefined) throw new WeftError('WEFT_TLS_CREDENTIALS', 'there is a key but no certificate');
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(keyPem);
  } catch (error) {
    throw new WeftError('WEFT_TLS_CREDENTIALS', 'the key does not parse', error);
  }
  if (!leaf.checkPrivateKey(key)) throw new WeftError('WEFT_TLS_CREDENTIALS', 'the key is not the certificate’s');
}

function parseCertificates(pem: string, what: string): X509Certificate[] {
  try {
    return (pem.match(CERTIFICATE) ?? []).map((text) => new X509Certificate(text));
  } catch (error) {
    throw new WeftError('WEFT_TLS_CREDENTIALS', `${what} does not parse`, error);
  }
}
