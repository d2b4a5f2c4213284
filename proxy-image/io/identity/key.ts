import { writeCsr } from '../../contract/der.ts';

/** WebCrypto costs the proxy 0.1 MiB, `node:crypto` 2 (measured under Bun). */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const;

/** A P-256 key pair. The same key serves for the pod's life; only its certificate is renewed (as in Linkerd). */
export interface IdentityKey {
  /** PKCS#8, PEM. */
  readonly keyPem: string;
  /** A certificate request (PKCS#10, DER) whose one name is `identity`. */
  csr(identity: string): Promise<Uint8Array>;
}

export async function generateKey(): Promise<IdentityKey> {
  const pair = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const pkcs8 = await crypto.subtle.exportKey('pkcs8', pair.privateKey);
  return identityKey(pair.privateKey, toPem('PRIVATE KEY', new Uint8Array(pkcs8)));
}

/** The key of an earlier start. Rejects when the text is not a P-256 key in PKCS#8. */
export async function importKey(keyPem: string): Promise<IdentityKey> {
  const privateKey = await crypto.subtle.importKey('pkcs8', fromPem(keyPem), ALGORITHM, true, ['sign']);
  return identityKey(privateKey, keyPem);
}

function identityKey(privateKey: CryptoKey, keyPem: string): IdentityKey {
  return {
    keyPem,
    async csr(identity) {
      const { x = '', y = '' } = await crypto.subtle.exportKey('jwk', privateKey);
      const point = Uint8Array.of(4, ...fromBase64Url(x), ...fromBase64Url(y));
      return writeCsr(identity, point, async (info) => {
        const signature = await crypto.subtle.sign(
          { name: 'ECDSA', hash: 'SHA-256' },
          privateKey,
          Uint8Array.from(info),
        );
        return new Uint8Array(signature);
      });
    },
  };
}

function toPem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function fromPem(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64'));
}

function fromBase64Url(text: string): Uint8Array {
  return Buffer.from(text, 'base64url');
}
