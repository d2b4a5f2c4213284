import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { fromPem } from '../../../operator/pki/certificate.ts';
import type { LeafDefect } from '../../support/certificates.ts';
import { createLeaf, createTestAuthority, LEAF_DEFECTS } from '../../support/certificates.ts';

const IDENTITY = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

interface Seen {
  authorized: boolean;
  error: string;
}

/** What a Node TLS server that verifies clients says about a client with this certificate. */
async function present(defect: LeafDefect): Promise<Seen> {
  const authority = createTestAuthority();
  const server = createLeaf(authority, 'server.test');
  const client = createLeaf(authority, IDENTITY, defect);
  const seen = Promise.withResolvers<Seen>();
  const listener = tls.createServer(
    {
      key: server.keyPem,
      cert: server.chainPem,
      ca: authority.anchorsPem,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
    },
    (socket) => {
      socket.on('error', () => {});
      const error = socket.authorizationError as Error | string | null;
      seen.resolve({ authorized: socket.authorized, error: String(error ?? '') });
      socket.end();
    },
  );
  listener.on('tlsClientError', (error) => seen.resolve({ authorized: false, error: error.message }));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = tls.connect({
    port: (listener.address() as AddressInfo).port,
    key: client.keyPem,
    cert: client.chainPem,
    ca: authority.anchorsPem,
    servername: 'server.test',
  });
  socket.on('error', () => {});
  socket.resume();
  const result = await seen.promise;
  socket.destroy();
  listener.close();
  return result;
}

/** Defects that chain verification must find; the rest are the business of whoever compares names. */
const FOUND_BY_TLS: Partial<Record<LeafDefect, RegExp>> = {
  expired: /CERT_HAS_EXPIRED/,
  'not yet valid': /CERT_NOT_YET_VALID/,
  'self-signed': /SELF_SIGNED/,
  'other authority': /CERT_SIGNATURE_FAILURE|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/,
  'wrong extended key usage': /INVALID_PURPOSE/,
};

describe('test certificates', () => {
  for (const defect of LEAF_DEFECTS) {
    it(`a leaf with defect "${defect}" is ${FOUND_BY_TLS[defect] === undefined ? 'accepted' : 'refused'} by chain verification`, async () => {
      const seen = await present(defect);
      const pattern = FOUND_BY_TLS[defect];
      if (pattern === undefined) expect(seen).to.deep.equal({ authorized: true, error: '' });
      else expect(seen.error).to.match(pattern);
      expect(seen.authorized).to.equal(pattern === undefined);
    });
  }

  it('carries the names that its defect says', () => {
    const authority = createTestAuthority();
    const names = (defect: LeafDefect) => createLeaf(authority, IDENTITY, defect).certificate.subjectAltName;
    expect(names('none')).to.equal(`DNS:${IDENTITY}`);
    expect(names('SAN missing')).to.equal(undefined);
    expect(names('wildcard SAN')).to.equal('DNS:*.shop.serviceaccount.identity.linkerd.cluster.local');
    expect(names('multi-label wildcard SAN')).to.equal('DNS:*.*.serviceaccount.identity.linkerd.cluster.local');
    expect(names('several SANs')).to.equal(`DNS:${IDENTITY}, DNS:other.${IDENTITY}`);
    expect(names('upper-case SAN')).to.equal(`DNS:${IDENTITY.toUpperCase()}`);
    expect(names('NUL in SAN')).to.contain('attacker.example').and.not.equal(`DNS:${IDENTITY}`);
    expect(createLeaf(authority, IDENTITY, 'CA:true leaf').certificate.ca).to.equal(true);
    expect(createLeaf(authority, IDENTITY, 'SAN missing, name as CN only').certificate.subject).to.equal(
      `CN=${IDENTITY}`,
    );
  });

  it('chains leaf → issuer → anchor', () => {
    const authority = createTestAuthority();
    const [leaf, issuer] = fromPem(createLeaf(authority, IDENTITY).chainPem) as [X509Certificate, X509Certificate];
    const anchor = new X509Certificate(authority.anchorsPem);
    expect(leaf.checkIssued(issuer) && leaf.verify(issuer.publicKey)).to.equal(true);
    expect(issuer.checkIssued(anchor) && issuer.verify(anchor.publicKey)).to.equal(true);
  });
});
