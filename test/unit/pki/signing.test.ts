import { sign, X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { generateKeyPair } from '../../../operator/pki/certificate.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import {
  type AuditEntry,
  DEFAULT_LIMITS,
  Signing,
  type SigningDependencies,
  type SigningSettings,
} from '../../../operator/pki/signing.ts';
import type { TokenReviewStatus } from '../../../operator/pki/token.ts';
import { Trust, type TrustState } from '../../../operator/pki/trust.ts';
import { writeCsr } from '../../../proxy-image/contract/der.ts';
import type { CertifyAnswer, IdentityRefusal } from '../../../proxy-image/contract/identity-messages.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';

const DAY_MS = 86_400_000;
const IDENTITY = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

/** What an API server says about a pod's own token. */
const POD_TOKEN: TokenReviewStatus = {
  authenticated: true,
  audiences: ['identity.l5d.io'],
  username: 'system:serviceaccount:shop:web',
  extra: {
    'authentication.kubernetes.io/pod-name': ['web-7d4b9-x2x'],
    'authentication.kubernetes.io/pod-uid': ['0f5a'],
  },
  error: '',
};

async function csrFor(name: string): Promise<string> {
  const keys = generateKeyPair();
  const point = keys.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  const der = await writeCsr(name, point, (info) =>
    sign('sha256', info, { key: keys.privateKey, dsaEncoding: 'ieee-p1363' }),
  );
  return Buffer.from(der).toString('base64');
}

interface Fixture {
  clock: FakeClock;
  audit: AuditEntry[];
  reviewed: { token: string; audience: string }[];
  trust: Trust;
  dependencies: SigningDependencies;
  signing: Signing;
  certify(token?: string, csr?: string, address?: string): Promise<CertifyAnswer | IdentityRefusal>;
}

async function fixture(
  status: Partial<TokenReviewStatus> | (() => Promise<TokenReviewStatus>) = {},
  changes: Partial<SigningDependencies> & { settings?: () => SigningSettings } = {},
): Promise<Fixture> {
  const clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
  const trust = new Trust(new MemorySecrets(), clock);
  await trust.refresh(
    {
      suffix: 'linkerd.cluster.local',
      issuer: { type: 'Managed' },
      anchorLifetimeMs: 365 * DAY_MS,
      issuerLifetimeMs: 30 * DAY_MS,
      certificateLifetimeMs: DAY_MS,
      trustAnchors: null,
      rotation: NO_ROTATION,
    },
    true,
  );
  const audit: AuditEntry[] = [];
  const reviewed: Fixture['reviewed'] = [];
  const dependencies: SigningDependencies = {
    trust: () => trust.current,
    settings: () => ({ suffix: 'linkerd.cluster.local', lifetimeMs: DAY_MS, requirePod: true }),
    tokens: {
      review(token, audience) {
        reviewed.push({ token, audience });
        return typeof status === 'function' ? status() : Promise.resolve({ ...POD_TOKEN, ...status });
      },
    },
    audit: (entry) => audit.push(entry),
    clock,
    random: () => 0.5,
    limits: DEFAULT_LIMITS,
    ...changes,
  };
  const signing = new Signing(dependencies);
  const defaultCsr = await csrFor(IDENTITY);
  return {
    clock,
    audit,
    reviewed,
    trust,
    dependencies,
    signing,
    certify: (token = 'a.b.c', csr = defaultCsr, address = '10.1.2.3') =>
      signing.certify({ type: 'certify', token, csr }, address),
  };
}

function certificateOf(answer: CertifyAnswer | IdentityRefusal): X509Certificate {
  if (answer.type === 'error') throw new Error(`${answer.code} ${answer.message}`);
  return new X509Certificate(answer.certificateChainPem);
}

async function refusalFor(status: Partial<TokenReviewStatus>): Promise<IdentityRefusal> {
  const { certify, audit } = await fixture(status);
  const answer = await certify();
  if (answer.type !== 'error') throw new Error('a certificate was issued');
  expect(audit).to.have.length(1);
  expect(audit[0]).to.include({ outcome: answer.code, remoteAddress: '10.1.2.3', serialNumber: '' });
  return answer;
}

describe('certificate signing', () => {
  it('gives a pod the identity of its ServiceAccount for a day, with an audit line', async () => {
    const { certify, audit, clock, reviewed, trust } = await fixture();
    const answer = await certify();
    const certificate = certificateOf(answer);
    expect(certificate.subjectAltName).to.equal(`DNS:${IDENTITY}`);
    expect(certificate.validToDate.getTime()).to.equal(clock.wallMs() + DAY_MS);
    expect(answer).to.deep.include({
      identity: IDENTITY,
      trustAnchorsPem: trust.current?.anchorsPem,
      notBefore: new Date(clock.wallMs() - 300_000).toISOString().replace('.000Z', 'Z'),
      notAfter: new Date(clock.wallMs() + DAY_MS).toISOString().replace('.000Z', 'Z'),
    });
    expect(reviewed).to.deep.equal([{ token: 'a.b.c', audience: 'identity.l5d.io' }]);
    expect(audit).to.deep.equal([
      {
        outcome: 'issued',
        reason: '',
        remoteAddress: '10.1.2.3',
        namespace: 'shop',
        serviceAccount: 'web',
        pod: 'web-7d4b9-x2x',
        podUid: '0f5a',
        identity: IDENTITY,
        serialNumber: certificate.serialNumber,
        notAfter: answer.type === 'certificate' ? answer.notAfter : '',
        foreignNames: [],
      },
    ]);
  });

  it('C10: a token for another audience is refused, even where the API server says authenticated', async () => {
    expect((await refusalFor({ audiences: ['https://kubernetes.default.svc'] })).code).to.equal('WEFT_SIGNING_TOKEN');
    expect((await refusalFor({ audiences: [] })).message).to.contain('identity.l5d.io');
  });

  it('C10: an expired or forged token is refused, and asking again does not help', async () => {
    const refusal = await refusalFor({ authenticated: false, error: 'token has expired' });
    expect(refusal).to.include({ code: 'WEFT_SIGNING_TOKEN', retryAfterMs: null });
    expect(refusal.message).to.contain('token has expired');
  });

  it('C10: with the token of another ServiceAccount or namespace the answer names that one, whatever the CSR says', async () => {
    for (const [username, identity] of [
      ['system:serviceaccount:shop:cart', 'cart.shop.serviceaccount.identity.linkerd.cluster.local'],
      ['system:serviceaccount:bank:web', 'web.bank.serviceaccount.identity.linkerd.cluster.local'],
    ] as const) {
      const { certify, audit } = await fixture({ username });
      expect(certificateOf(await certify()).subjectAltName).to.equal(`DNS:${identity}`);
      expect(audit[0]).to.deep.include({ identity, foreignNames: [IDENTITY, IDENTITY] });
    }
  });

  it('C10: a CSR for another name gets the name of the token and one SAN', async () => {
    const { certify, audit } = await fixture();
    const answer = await certify(
      'a.b.c',
      await csrFor('admin.kube-system.serviceaccount.identity.linkerd.cluster.local'),
    );
    expect(certificateOf(answer).subjectAltName).to.equal(`DNS:${IDENTITY}`);
    expect(audit[0]?.foreignNames).to.contain('admin.kube-system.serviceaccount.identity.linkerd.cluster.local');
  });

  it('C10: a token that is not bound to a pod is refused, unless the operator was told otherwise', async () => {
    expect((await refusalFor({ extra: {} })).message).to.contain('not bound to a pod');
    const settings = () => ({ suffix: 'linkerd.cluster.local', lifetimeMs: DAY_MS, requirePod: false });
    const { certify } = await fixture({ extra: {} }, { settings });
    expect((await certify()).type).to.equal('certificate');
  });

  it('C10: a token of a person, a node or an account with a name that is no label is refused', async () => {
    for (const username of [
      'admin',
      'system:node:a',
      'system:serviceaccount:shop',
      'system:serviceaccount:shop:web:extra',
      'system:serviceaccount:shop:web.bank',
      'system:serviceaccount:Shop:web',
      'system:serviceaccount::web',
      'system:serviceaccount:shop:web\n',
    ]) {
      expect((await refusalFor({ username })).code).to.equal('WEFT_SIGNING_TOKEN');
    }
  });

  it('C10: lifetimes are capped by the issuer and by a week', async () => {
    const settings = (lifetimeMs: number) => () => ({ suffix: 's', lifetimeMs, requirePod: true });
    const week = await fixture({}, { settings: settings(365 * DAY_MS) });
    expect(certificateOf(await week.certify()).validToDate.getTime()).to.equal(week.clock.wallMs() + 7 * DAY_MS);
    const issuerNear = await fixture();
    await issuerNear.clock.advance(29.5 * DAY_MS);
    const { issuerNotAfterMs } = issuerNear.trust.current!;
    expect(certificateOf(await issuerNear.certify()).validToDate.getTime()).to.equal(issuerNotAfterMs);
  });

  it('C10: one pod is limited, others are not, and it is told when to come back', async () => {
    const { certify, clock } = await fixture();
    for (let i = 0; i < DEFAULT_LIMITS.perPod.burst; i += 1) expect((await certify()).type).to.equal('certificate');
    const refusal = await certify();
    expect(refusal).to.deep.include({ code: 'WEFT_SIGNING_RATE', retryAfterMs: 15_000 });
    await clock.advance(10_000);
    expect((await certify()).type).to.equal('certificate');
  });

  it('C10: one address is limited before its token costs anything', async () => {
    const { certify, reviewed } = await fixture({ authenticated: false });
    for (let i = 0; i < 50; i += 1) await certify();
    expect(reviewed).to.have.length(DEFAULT_LIMITS.perAddress.burst);
    expect(await certify('t', undefined, '10.9.9.9')).to.include({ code: 'WEFT_SIGNING_TOKEN' });
  });

  it('C10: a request that is not of the protocol is refused before the API server is asked', async () => {
    const { signing, reviewed, audit } = await fixture();
    const csr = await csrFor(IDENTITY);
    const messages: unknown[] = [
      null,
      undefined,
      [],
      'certify',
      {},
      { type: 'certify' },
      { type: 'certify', token: '', csr },
      { type: 'certify', token: 't'.repeat(17_000), csr },
      { type: 'certify', token: 5, csr },
      { type: 'certify', token: 't', csr: 7 },
      { type: 'certify', token: 't', csr: 'not base64!' },
      { type: 'certify', token: 't', csr: `${csr}\n` },
      { type: 'certify', token: 't', csr: 'A'.repeat(1024 * 1024) },
      { type: 'certify', token: 't', csr: Buffer.alloc(5_000).toString('base64') },
    ];
    for (const message of messages) {
      expect((await signing.certify(message, '10.1.1.1')).type).to.equal('error');
    }
    expect(reviewed).to.deep.equal([]);
    expect(audit).to.have.length(messages.length);
  });

  it('says unavailable, with a delay, while there is no issuer, it has expired, or the API server does not answer', async () => {
    const none = await fixture({}, { trust: () => null });
    expect(await none.certify()).to.deep.include({ code: 'WEFT_SIGNING_UNAVAILABLE', retryAfterMs: 2_000 });
    const expired = await fixture();
    await expired.clock.advance(31 * DAY_MS);
    expect(await expired.certify()).to.include({ code: 'WEFT_SIGNING_UNAVAILABLE' });
    const broken = await fixture(() => Promise.reject(new Error('connection refused')));
    expect(await broken.certify()).to.include({ code: 'WEFT_SIGNING_UNAVAILABLE' });
    expect(broken.audit[0]?.reason).to.contain('connection refused');
  });

  it('does not wait for ever for a token review, and bounds how many are waited for', async () => {
    const hanging = await fixture(() => new Promise(() => {}), { limits: { ...DEFAULT_LIMITS, maxReviews: 2 } });
    const waiting = [hanging.certify(), hanging.certify()];
    await settle();
    expect(await hanging.certify()).to.include({ code: 'WEFT_SIGNING_RATE' });
    await hanging.clock.advance(5_000);
    for (const answer of await Promise.all(waiting)) expect(answer).to.include({ code: 'WEFT_SIGNING_UNAVAILABLE' });
    expect(hanging.reviewed).to.have.length(2);
  });

  it('a defect of ours becomes an answer that tells nothing', async () => {
    const trust = (): TrustState => {
      throw new TypeError('secret detail');
    };
    const { certify } = await fixture({}, { trust });
    const answer = await certify();
    expect(answer).to.include({ code: 'WEFT_SIGNING_UNAVAILABLE' });
    expect(JSON.stringify(answer)).not.to.contain('secret detail');
  });
});
