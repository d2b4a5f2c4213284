import { expect } from 'chai';
import fc from 'fast-check';
import { dnsNamesOf, identityOf, refuseServer } from '../../../proxy-image/io/tls/identity.ts';
import { createLeaf, createTestAuthority, LEAF_DEFECTS } from '../../support/certificates.ts';

const NAME = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
const authority = createTestAuthority();
const good = createLeaf(authority, NAME).certificate.raw;

/** Defects that the name alone shows; the others are the chain's. */
const OF_THE_NAME = [
  'SAN missing',
  'SAN missing, name as CN only',
  'wildcard SAN',
  'multi-label wildcard SAN',
  'NUL in SAN',
  'several SANs',
  'CA:true leaf',
];

describe('identity in a certificate', () => {
  it('is the one alternative name, as written', () => {
    expect(identityOf(good)).to.equal(NAME);
    expect(identityOf(createLeaf(authority, NAME, 'upper-case SAN').certificate.raw)).to.equal(NAME.toUpperCase());
    expect(dnsNamesOf(createLeaf(authority, NAME, 'several SANs').certificate.raw)).to.have.length(2);
  });

  for (const defect of LEAF_DEFECTS.filter((known) => OF_THE_NAME.includes(known))) {
    it(`C7: there is none with the defect: ${defect}`, () => {
      expect(identityOf(createLeaf(authority, NAME, defect).certificate.raw)).to.equal(null);
    });
  }

  it('there is none in an authority’s own certificate', () => {
    expect(identityOf(authority.issuer.certificate.raw)).to.equal(null);
  });

  it('a certificate that is cut short has none', () => {
    for (let length = 0; length < good.length; length++) expect(identityOf(good.subarray(0, length))).to.equal(null);
  });

  it('damaged certificates never throw, and never grow a name', () => {
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, octet) => {
        const damaged = Buffer.from(good);
        damaged[at] = octet;
        const identity = identityOf(damaged);
        if (identity !== null) expect(identity.length).to.be.at.most(NAME.length + 8);
      }),
      { numRuns: 3000 },
    );
  });

  it('a server is refused for its chain, its protocol, or its name', () => {
    const handshake = {
      authorized: true,
      authorizationError: '',
      alpn: 'transport.l5d.io/v1',
      peerCertificate: good,
      serverName: '',
    };
    expect(refuseServer(handshake, NAME)).to.equal(null);
    expect(refuseServer({ ...handshake, authorized: false }, NAME)).to.match(/not trusted/);
    expect(refuseServer({ ...handshake, alpn: null }, NAME)).to.match(/transport protocol/);
    expect(refuseServer({ ...handshake, alpn: 'h2' }, NAME)).to.match(/transport protocol/);
    expect(refuseServer(handshake, NAME.replace('web', 'api'))).to.match(/and not api/);
    expect(refuseServer(handshake, NAME.toUpperCase())).to.be.a('string');
    expect(refuseServer({ ...handshake, peerCertificate: null }, NAME)).to.match(/nobody/);
  });
});
