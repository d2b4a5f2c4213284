import type { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { createIssuer, issueLeaf } from '../../../operator/pki/authority.ts';
import { generateKeyPair } from '../../../operator/pki/certificate.ts';
import { HeldLeaf, LeafRenewals } from '../../../operator/serve/leaf.ts';
import type { LeafTerms } from '../../../operator/status/leaf-terms.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { createTestAuthority, type TestAuthority } from '../../support/certificates.ts';

const IDENTITY = 'web.app.serviceaccount.identity.linkerd.cluster.local';
const HOUR_MS = 3_600_000;

describe('certificates of proxies as a replica knows them', () => {
  const nowMs = Date.now();
  const mesh = createTestAuthority(nowMs);
  const issuer = createIssuer(mesh.anchor, 'issuer.anchor.test', 24 * HOUR_MS, nowMs);

  function leafOf(signer: TestAuthority['issuer'], identity = IDENTITY, madeMs = nowMs) {
    const { publicKey } = generateKeyPair();
    return issueLeaf(signer, { publicKey, dnsNames: [identity], lifetimeMs: HOUR_MS, nowMs: madeMs });
  }

  const terms = (fields: Partial<LeafTerms> = {}): LeafTerms => {
    return { issuer: issuer.certificate, ofIssuer: true, fromMs: 0, sinceMs: 0, ...fields };
  };
  const held = (certificate: X509Certificate) => new HeldLeaf(certificate);

  it('will do where nothing is asked of them, where they are of the issuer, and where they are young enough', () => {
    const old = leafOf(mesh.issuer, IDENTITY, nowMs - HOUR_MS / 2).certificate;
    expect(held(old).meets(null)).to.equal(true);
    expect(held(old).meets(terms())).to.equal(false);
    expect(held(old).meets(terms({ ofIssuer: false }))).to.equal(true);
    expect(held(old).meets(terms({ ofIssuer: false, fromMs: old.validFromDate.getTime() + 1 }))).to.equal(false);
    expect(held(leafOf(issuer).certificate).meets(terms())).to.equal(true);
  });

  it('are taken as the proxy says, if they are for its identity and by the present issuer', () => {
    const said = (chainPem: string, asked: LeafTerms | null = terms()) => {
      const leaf = held(leafOf(mesh.issuer).certificate);
      leaf.asked(terms(), 0);
      leaf.said(chainPem, IDENTITY, asked);
      return leaf.meets(terms());
    };
    expect(said(leafOf(issuer).chainPem)).to.equal(true);
    expect(said(leafOf(issuer, 'other.app.serviceaccount.identity.linkerd.cluster.local').chainPem)).to.equal(false);
    expect(said(leafOf(mesh.issuer).chainPem)).to.equal(false);
    // Of the same name as the issuer, signed by another key.
    const forged = createIssuer(createTestAuthority(nowMs).anchor, 'issuer.anchor.test', HOUR_MS, nowMs);
    expect(said(leafOf(forged).chainPem)).to.equal(false);
    expect(said(issuer.certificate.toString())).to.equal(false);
    for (const text of ['', 'x', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n']) {
      expect(said(text), text).to.equal(false);
    }
  });

  it('are passed over where nobody has asked, or after too many that will not do, until they are asked for again', () => {
    const [wanted, good] = [terms(), leafOf(issuer).chainPem];
    const leaf = held(leafOf(mesh.issuer).certificate);
    leaf.said(good, IDENTITY, wanted);
    expect(leaf.meets(wanted), 'unasked').to.equal(false);
    leaf.asked(wanted, 0);
    for (let time = 0; time < 100; time++) leaf.said(leafOf(mesh.issuer).chainPem, IDENTITY, wanted);
    leaf.said(good, IDENTITY, wanted);
    expect(leaf.meets(wanted), 'after a flood').to.equal(false);
    leaf.asked(wanted, 0);
    leaf.said(good, IDENTITY, wanted);
    expect(leaf.meets(wanted)).to.equal(true);
  });

  it('are asked for 25 a second, each again after half a minute, until they will do', () => {
    const clock = new FakeClock();
    let asked = 0;
    const ask = () => {
      asked += 1;
    };
    const proxies = Array.from({ length: 60 }, () => ({
      leaf: held(leafOf(mesh.issuer).certificate),
      askForRenewal: ask,
    }));
    let wanted: LeafTerms | null = null;
    const renewals = new LeafRenewals(() => wanted, clock);
    const each: number[] = [];
    const second = () => {
      clock.advanceSync(1_000);
      asked = 0;
      renewals.ask(proxies);
      each.push(asked);
    };
    second();
    wanted = terms();
    for (let time = 0; time < 4; time++) second();
    expect(each).to.deep.equal([0, 25, 25, 10, 0]);
    const { chainPem } = leafOf(issuer);
    for (const { leaf } of proxies.slice(0, 40)) leaf.said(chainPem, IDENTITY, wanted);
    for (let time = 0; time < 30; time++) second();
    expect(each.slice(5).reduce((sum, count) => sum + count)).to.equal(20);
  });

  it('are not asked for before the second begins in which what is made will do', () => {
    const clock = new FakeClock();
    let asked = 0;
    const ask = () => {
      asked += 1;
    };
    const proxy = { leaf: held(leafOf(mesh.issuer).certificate), askForRenewal: ask };
    const sinceMs = clock.wallMs() + 700;
    const renewals = new LeafRenewals(() => wanted, clock);
    const wanted = terms({ sinceMs, fromMs: sinceMs });
    renewals.ask([proxy]);
    expect(asked).to.equal(0);
    clock.advanceSync(700);
    renewals.ask([proxy]);
    expect(asked).to.equal(1);
  });
});
