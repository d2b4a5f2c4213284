import { createHash, generateKeyPairSync, type X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { createAnchor, createIssuer, expiryOf, issueLeaf } from '../../../operator/pki/authority.ts';
import { fromPem, generateKeyPair, toPem } from '../../../operator/pki/certificate.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import {
  ANCHOR_SECRET,
  ISSUER_SECRET,
  isSignedBy,
  readAuthority,
  type SecretContent,
  toSecret,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../operator/pki/secrets.ts';
import { Trust, type TrustSettings } from '../../../operator/pki/trust.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';

const DAY_MS = 86_400_000;
const MANAGED: TrustSettings = {
  suffix: 'linkerd.cluster.local',
  issuer: { type: 'Managed' },
  anchorLifetimeMs: 3_650 * DAY_MS,
  issuerLifetimeMs: 365 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
  trustAnchors: null,
  rotation: NO_ROTATION,
};
const EXTERNAL: TrustSettings = { ...MANAGED, issuer: { type: 'Secret', name: 'linkerd-identity-issuer' } };

/** `atMs` has whole seconds, as times in certificates have. */
function newClock(): FakeClock {
  return new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
}

function text(content: SecretContent | undefined, key: string): string {
  return Buffer.from(content?.data[key] ?? new Uint8Array()).toString();
}

function codes(trust: Trust): string[] {
  return trust.problems.map(({ message }) => message);
}

describe('trust anchor and issuer', () => {
  it('are created once, P-256, issuer below anchor, lifetimes as the Mesh says', async () => {
    const store = new MemorySecrets();
    const clock = newClock();
    const trust = new Trust(store, clock);
    await trust.refresh(MANAGED, true);
    expect(store.created).to.have.members([ANCHOR_SECRET, ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET]);
    const [anchor] = fromPem(text(store.secrets.get(ANCHOR_SECRET), 'tls.crt')) as [X509Certificate];
    const [issuer] = fromPem(text(store.secrets.get(ISSUER_SECRET), 'tls.crt')) as [X509Certificate];
    expect(isSignedBy(issuer, anchor)).to.equal(true);
    expect(anchor.ca && issuer.ca).to.equal(true);
    expect(issuer.publicKey.asymmetricKeyDetails?.namedCurve).to.equal('prime256v1');
    expect(anchor.validToDate.getTime()).to.equal(clock.wallMs() + MANAGED.anchorLifetimeMs);
    expect(issuer.validToDate.getTime()).to.equal(clock.wallMs() + MANAGED.issuerLifetimeMs);
    expect(trust.current?.anchorsPem).to.equal(anchor.toString());
    expect(trust.problems).to.deep.equal([]);
  });

  it('are read, not overwritten, by whoever comes later', async () => {
    const store = new MemorySecrets();
    const first = new Trust(store, newClock());
    await first.refresh(MANAGED, true);
    const before = JSON.stringify([...store.secrets]);
    const second = new Trust(store, newClock());
    await second.refresh(MANAGED, true);
    await second.refresh(MANAGED, true);
    expect(JSON.stringify([...store.secrets])).to.equal(before);
    expect(second.current?.anchorsPem).to.equal(first.current?.anchorsPem);
    expect(second.caBundlePem).to.equal(first.caBundlePem);
  });

  it('of replicas that start together are the same', async () => {
    const store = new MemorySecrets();
    const replicas = Array.from({ length: 3 }, () => new Trust(store, newClock()));
    await Promise.all(replicas.map((replica) => replica.refresh(MANAGED, true)));
    const states = replicas.map((replica) => [replica.current?.anchorsPem, replica.caBundlePem]);
    expect(new Set(states.map(String)).size).to.equal(1);
    expect(store.created).to.have.length(3);
  });

  it('are waited for by a replica that is not the leader', async () => {
    const store = new MemorySecrets();
    const follower = new Trust(store, newClock());
    await follower.refresh(MANAGED, false);
    expect(follower.current).to.equal(null);
    expect(follower.caBundlePem).to.equal('');
    expect(codes(follower).join()).to.contain(ANCHOR_SECRET).and.contain(WEBHOOK_AUTHORITY_SECRET);
    await new Trust(store, newClock()).refresh(MANAGED, true);
    let changes = 0;
    const unsubscribe = follower.onChange(() => {
      changes += 1;
    });
    await follower.refresh(MANAGED, false);
    expect(follower.current).not.to.equal(null);
    await follower.refresh(MANAGED, false);
    expect(changes).to.equal(1);
    unsubscribe();
  });

  it('a deleted anchor is put back as it was: certificates out there chain to it', async () => {
    const store = new MemorySecrets();
    const trust = new Trust(store, newClock());
    await trust.refresh(MANAGED, true);
    const anchors = trust.current?.anchorsPem;
    store.secrets.delete(ANCHOR_SECRET);
    await trust.refresh(MANAGED, true);
    expect(text(store.secrets.get(ANCHOR_SECRET), 'tls.crt')).to.equal(anchors);
  });

  it('a deleted issuer is made anew below the same anchor', async () => {
    const store = new MemorySecrets();
    const trust = new Trust(store, newClock());
    await trust.refresh(MANAGED, true);
    const before = trust.current!;
    store.secrets.delete(ISSUER_SECRET);
    await trust.refresh(MANAGED, true);
    expect(trust.current?.anchorsPem).to.equal(before.anchorsPem);
    expect(trust.current?.issuer.certificate.serialNumber).not.to.equal(before.issuer.certificate.serialNumber);
  });

  it('a broken issuer leaves the last good one in force and is reported', async () => {
    const store = new MemorySecrets();
    const trust = new Trust(store, newClock());
    await trust.refresh(MANAGED, true);
    const before = trust.current;
    store.secrets.set(ISSUER_SECRET, { type: 'kubernetes.io/tls', data: { 'tls.crt': Buffer.from('no certificate') } });
    await trust.refresh(MANAGED, true);
    expect(trust.current).to.equal(before);
    expect(codes(trust)).to.have.length(1);
    expect(trust.problems[0]?.code).to.equal('WEFT_PKI_SECRET');
    const foreign = createTestAuthority(newClock().wallMs());
    store.secrets.set(ISSUER_SECRET, toSecret(foreign.issuer));
    await trust.refresh(MANAGED, true);
    expect(trust.current).to.equal(before);
    expect(codes(trust).join()).to.contain('not signed by');
  });

  it('what the store cannot answer changes nothing', async () => {
    const store = new MemorySecrets();
    const trust = new Trust(store, newClock());
    await trust.refresh(MANAGED, true);
    const before = trust.current;
    store.get = () => Promise.reject(new Error('API server away'));
    let message = '';
    await trust.refresh(MANAGED, true).catch((error: Error) => {
      message = error.message;
    });
    expect(message).to.equal('API server away');
    expect(trust.current).to.equal(before);
  });

  it('come from a Secret that the Mesh names, in both forms people have', async () => {
    const clock = newClock();
    const given = createTestAuthority(clock.wallMs());
    const tls = toSecret(given.issuer);
    const forms: SecretContent[] = [
      tls,
      {
        type: 'linkerd.io/tls',
        data: { 'crt.pem': tls.data['tls.crt']!, 'key.pem': tls.data['tls.key']!, 'ca.crt': tls.data['ca.crt']! },
      },
      // cert-manager puts the root into the chain when it signs with one.
      {
        ...tls,
        data: { ...tls.data, 'tls.crt': Buffer.from(toPem([given.issuer.certificate, given.anchor.certificate])) },
      },
    ];
    for (const form of forms) {
      const store = new MemorySecrets();
      store.secrets.set('linkerd-identity-issuer', form);
      const trust = new Trust(store, clock);
      await trust.refresh(EXTERNAL, true);
      expect(trust.problems).to.deep.equal([]);
      expect(trust.current?.anchorsPem).to.equal(given.anchorsPem);
      expect(store.created).to.deep.equal([WEBHOOK_AUTHORITY_SECRET]);
    }
  });

  it('an absent external issuer is named and never made', async () => {
    const store = new MemorySecrets();
    const trust = new Trust(store, newClock());
    await trust.refresh(EXTERNAL, true);
    expect(trust.problems.map(({ code }) => code)).to.deep.equal(['WEFT_PKI_ABSENT']);
    expect(codes(trust)[0]).to.contain('linkerd-identity-issuer');
    expect(store.created).to.deep.equal([WEBHOOK_AUTHORITY_SECRET]);
    expect(trust.caBundlePem).to.contain('BEGIN CERTIFICATE');
  });

  it('a self-signed root may sign by itself (Linkerd CLI without flags)', () => {
    const root = createAnchor('root', DAY_MS, Date.now());
    const content = toSecret(root);
    const read = readAuthority(
      { ...content, data: { 'crt.pem': content.data['tls.crt']!, 'key.pem': content.data['tls.key']! } },
      Date.now(),
    );
    expect(read.ok && toPem(read.authority.anchors)).to.equal(root.certificate.toString());
    expect(read.ok && read.authority.chain).to.deep.equal([]);
  });
});

describe('a Secret with an authority', () => {
  const nowMs = Date.now();
  const good = createTestAuthority(nowMs);
  const data = toSecret(good.issuer).data;
  const pem = (key: ReturnType<typeof generateKeyPair>['privateKey']) =>
    Buffer.from(key.export({ type: 'pkcs8', format: 'pem' }));
  const leaf = createLeaf(good, 'x.test', 'none', nowMs);
  const otherIssuer = createIssuer(good.anchor, 'other', DAY_MS, nowMs);
  const expired = createIssuer(good.anchor, 'old', 1_000, nowMs - 60_000);
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });

  const rows: [string, Record<string, Uint8Array>, RegExp][] = [
    ['without certificate', { 'tls.key': data['tls.key']! }, /no certificate/],
    ['without key', { 'tls.crt': data['tls.crt']! }, /no key/],
    ['with a damaged certificate', { ...data, 'tls.crt': damage(data['tls.crt']!) }, /./],
    ['with a key that is none', { ...data, 'tls.key': Buffer.from('secret stuff') }, /^(?!.*secret stuff)/],
    ['with the key of another certificate', { ...data, 'tls.key': pem(otherIssuer.privateKey) }, /does not belong/],
    ['with a P-384 key', { ...data, 'tls.key': pem(p384.privateKey) }, /P-256/],
    [
      'with a leaf',
      { ...data, 'tls.crt': Buffer.from(leaf.certificate.toString()), 'tls.key': Buffer.from(leaf.keyPem) },
      /no authority/,
    ],
    ['without anchor', { 'tls.crt': data['tls.crt']!, 'tls.key': data['tls.key']! }, /no trust anchor/],
    [
      'with a foreign anchor',
      { ...data, 'ca.crt': Buffer.from(createTestAuthority(nowMs).anchorsPem) },
      /does not chain/,
    ],
    ['that has expired', { ...toSecret(expired).data }, /ended at/],
    [
      'of constructor and prototype',
      { constructor: Buffer.from('x'), __proto__: Buffer.from('y') } as never,
      /no certificate/,
    ],
  ];
  for (const [name, content, problem] of rows) {
    it(`${name} is refused and says why`, () => {
      const read = readAuthority({ type: 'kubernetes.io/tls', data: content }, nowMs);
      expect(read.ok).to.equal(false);
      expect(read.ok ? '' : read.problem).to.match(problem);
    });
  }

  it('comes back as it was written', () => {
    const read = readAuthority(toSecret(good.issuer), nowMs);
    if (!read.ok) throw new Error(read.problem);
    expect(toPem(read.authority.chain)).to.equal(toPem(good.issuer.chain));
    expect(read.authority.privateKey.equals(good.issuer.privateKey)).to.equal(true);
  });

  function damage(bytes: Uint8Array): Buffer {
    return Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replace(/MII[A-Za-z0-9+/]{20}/, 'MIIAAAAAAAAAAAAAAAAAAAA'),
    );
  }
});

describe('leaf certificates', () => {
  const nowMs = 1_800_000_000_000;
  const authority = createTestAuthority(nowMs);
  const issue = (dnsName: string, lifetimeMs = 3_600_000) =>
    issueLeaf(authority.issuer, { publicKey: generateKeyPair().publicKey, dnsNames: [dnsName], lifetimeMs, nowMs });

  it('name one identity, are no authority, and serve both roles', () => {
    const { certificate, chainPem } = issue('web.shop.serviceaccount.identity.linkerd.cluster.local');
    expect(certificate.subjectAltName).to.equal('DNS:web.shop.serviceaccount.identity.linkerd.cluster.local');
    expect(certificate.ca).to.equal(false);
    expect(certificate.keyUsage).to.have.members(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(fromPem(chainPem).map(({ fingerprint256 }) => fingerprint256)).to.deep.equal([
      certificate.fingerprint256,
      authority.issuer.certificate.fingerprint256,
    ]);
  });

  it('begin five minutes ago and last as long as asked for', () => {
    const { certificate } = issue('a.test');
    expect(certificate.validFromDate.getTime()).to.equal(nowMs - 300_000);
    expect(certificate.validToDate.getTime()).to.equal(nowMs + 3_600_000);
  });

  it('never outlive their issuer', () => {
    expect(issue('a.test', 1_000 * DAY_MS).notAfterMs).to.equal(expiryOf(authority.issuer));
  });

  it('have serials that do not repeat, are positive and at most 20 octets', () => {
    const serials = Array.from({ length: 200 }, () => issue('a.test').certificate.serialNumber);
    expect(new Set(serials).size).to.equal(200);
    for (const serial of serials) expect(serial).to.match(/^[4-7][0-9A-F]{31}$/);
  });

  it('carry an identity too long for a CN in the SAN alone', () => {
    const long = `${'a'.repeat(63)}.shop.serviceaccount.identity.linkerd.cluster.local`;
    const { certificate } = issue(long);
    expect(certificate.subject ?? '').to.equal('');
    expect(certificate.subjectAltName).to.equal(`DNS:${long}`);
  });

  it('name an address as an address', () => {
    const { publicKey } = generateKeyPair();
    const dnsNames = ['weft-operator.weft-system.svc', '127.0.0.1', '::1'];
    const { certificate } = issueLeaf(authority.issuer, { publicKey, dnsNames, lifetimeMs: 1_000, nowMs });
    expect(certificate.subjectAltName).to.equal(
      'DNS:weft-operator.weft-system.svc, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(certificate.checkIP('127.0.0.1')).to.equal('127.0.0.1');
  });

  it('name their issuer by key identifier', () => {
    const { certificate } = issue('a.test');
    expect(certificate.checkIssued(authority.issuer.certificate)).to.equal(true);
    const identifier = createHash('sha256')
      .update(authority.issuer.certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest()
      .subarray(0, 20);
    expect(Buffer.from(certificate.raw).includes(identifier)).to.equal(true);
  });

  it('with an end beyond 2049 are written with GeneralizedTime', () => {
    const anchor = createAnchor('long', 30 * 365 * DAY_MS, nowMs);
    expect(anchor.certificate.validToDate.getTime()).to.equal(nowMs + 30 * 365 * DAY_MS);
  });
});
