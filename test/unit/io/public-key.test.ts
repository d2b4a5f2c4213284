import { generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { publicKeyOfCertificate, publicKeyOfPrivateKey } from '../../../proxy-image/io/transport/public-key.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';

const authority = createTestAuthority();
const leaf = createLeaf(authority, 'web.app');
const der = (pem: string): Buffer => Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64');

/** The bits as `node:crypto` knows them: SubjectPublicKeyInfo ends with them. */
function expected(certificate: X509Certificate): Buffer {
  return certificate.publicKey.export({ type: 'spki', format: 'der' });
}

describe('public keys read from DER', () => {
  it('are those of leaf, issuer and anchor', () => {
    for (const certificate of [leaf.certificate, authority.issuer.certificate, authority.anchor.certificate]) {
      const bits = publicKeyOfCertificate(certificate.raw)!;
      expect(expected(certificate).subarray(-bits.length)).to.deep.equal(Buffer.from(bits));
      expect(bits).to.have.length(66);
    }
  });

  it('of a private key are those of its certificate', () => {
    const bits = publicKeyOfPrivateKey(der(leaf.keyPem));
    expect(bits).to.deep.equal(publicKeyOfCertificate(new Uint8Array(leaf.certificate.raw)));
  });

  it('of a key that WebCrypto made are read as well', async () => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey));
    const point = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    expect([...publicKeyOfPrivateKey(pkcs8)!]).to.deep.equal([0, ...point]);
  });

  it('are null for other keys, and for bytes that are cut or changed in length', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'der' });
    expect(publicKeyOfPrivateKey(rsa)).to.equal(null);
    expect(publicKeyOfCertificate(new Uint8Array())).to.equal(null);
    for (let length = 0; length < leaf.certificate.raw.length; length += 7)
      expect(publicKeyOfCertificate(leaf.certificate.raw.subarray(0, length)), `${length} bytes`).to.equal(null);
    const key = der(leaf.keyPem);
    for (let length = 0; length < key.length; length++)
      expect(publicKeyOfPrivateKey(key.subarray(0, length)), `${length} bytes`).to.equal(null);
  });
});
