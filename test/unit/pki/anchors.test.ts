import { expect } from 'chai';
import { type Authority, createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { fromPem, toPem } from '../../../operator/pki/certificate.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import { toSecret } from '../../../operator/pki/secrets.ts';
import { Trust, type TrustSettings } from '../../../operator/pki/trust.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';

const DAY_MS = 86_400_000;
const SETTINGS: TrustSettings = {
  suffix: 'linkerd.cluster.local',
  issuer: { type: 'Secret', name: 'theirs' },
  trustAnchors: { name: 'roots', key: 'ca-bundle.crt' },
  rotation: NO_ROTATION,
  anchorLifetimeMs: 1_000 * DAY_MS,
  issuerLifetimeMs: 100 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
};

/** An issuer as cert-manager keeps it, and the anchors as trust-manager writes them. */
describe('trust anchors of a ConfigMap that others keep', () => {
  let clock: FakeClock;
  let secrets: MemorySecrets;
  let configMaps: Map<string, Record<string, string>>;
  let trust: Trust;
  let first: Authority;
  let second: Authority;

  beforeEach(() => {
    clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
    secrets = new MemorySecrets();
    configMaps = new Map();
    trust = new Trust(secrets, clock, { configMaps: { get: async (name) => configMaps.get(name) ?? null } });
    [first, second] = ['first', 'second'].map((name) => createAnchor(`${name}.test`, 100 * DAY_MS, clock.wallMs())) as [
      Authority,
      Authority,
    ];
    issuedBy(first);
  });

  function issuedBy(anchor: Authority): void {
    secrets.secrets.set('theirs', toSecret(createIssuer(anchor, 'issuer.test', 50 * DAY_MS, clock.wallMs())));
  }

  function bundle(...anchors: Authority[]): void {
    configMaps.set('roots', { 'ca-bundle.crt': toPem(anchors.map(({ certificate }) => certificate)) });
  }

  async function look(): Promise<{ anchors: string[]; problems: string }> {
    await trust.refresh(SETTINGS, true);
    const anchors = fromPem(trust.current?.anchorsPem ?? '').map(({ subject }) => subject);
    return { anchors, problems: trust.problems.map(({ message }) => message).join() };
  }

  it('are what proxies trust, instead of those of the Secret, and are taken over as they change', async () => {
    bundle(first);
    expect(await look()).to.deep.equal({ anchors: ['CN=first.test'], problems: '' });
    bundle(second, first);
    expect(await look()).to.deep.equal({ anchors: ['CN=second.test', 'CN=first.test'], problems: '' });
    issuedBy(second);
    bundle(second);
    expect(await look()).to.deep.equal({ anchors: ['CN=second.test'], problems: '' });
    expect(trust.current!.issuer.certificate.checkIssued(second.certificate)).to.equal(true);
    expect(trust.held.map(({ secret, kind }) => [secret, kind])).to.deep.equal([
      ['weft-webhook-ca', undefined],
      ['roots', 'ConfigMap'],
      ['theirs', undefined],
    ]);
    expect(secrets.replaced).to.deep.equal([]);
  });

  const leaf = createLeaf(createTestAuthority(), 'a.test');
  const bad: Record<string, [content: Record<string, string> | null, problem: RegExp]> = {
    'is gone': [null, /roots does not exist/],
    'has another key': [{ 'ca.crt': 'x' }, /has no key ca-bundle.crt/],
    'has no certificate': [{ 'ca-bundle.crt': 'x' }, /has no certificate under/],
    'has what is none': [
      { 'ca-bundle.crt': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
      /has what is no certificate/,
    ],
    'has one of a pod': [{ 'ca-bundle.crt': leaf.chainPem }, /that is no authority/],
    'is huge': [{ 'ca-bundle.crt': 'x'.repeat(33 * 1024) }, /has more than 32 KiB/],
  };
  for (const [what, [content, problem]] of Object.entries(bad)) {
    it(`stay as they were when the ConfigMap ${what}`, async () => {
      bundle(first);
      await look();
      if (content === null) configMaps.clear();
      else configMaps.set('roots', content);
      const { anchors, problems } = await look();
      expect(anchors).to.deep.equal(['CN=first.test']);
      expect(problems).to.match(problem);
      bundle(first, second);
      expect(await look()).to.deep.equal({ anchors: ['CN=first.test', 'CN=second.test'], problems: '' });
    });
  }

  it('stay, and so does the issuer, while a new issuer chains to none of them', async () => {
    bundle(first);
    await look();
    issuedBy(second);
    const { anchors, problems } = await look();
    expect(anchors).to.deep.equal(['CN=first.test']);
    expect(problems).to.contain('has no anchor under ca-bundle.crt that the issuer chains to');
    expect(trust.current!.issuer.certificate.checkIssued(first.certificate)).to.equal(true);
  });

  it('stay when nobody may read the ConfigMap any more', async () => {
    bundle(first);
    await look();
    configMaps.get = () => {
      throw new RequestError('Forbidden', 'configmaps "roots" is forbidden');
    };
    const { anchors, problems } = await look();
    expect(anchors).to.deep.equal(['CN=first.test']);
    expect(problems).to.contain('is forbidden');
  });

  it('that have ended are left out of the bundle', async () => {
    const old = createAnchor('old.test', DAY_MS, clock.wallMs() - 2 * DAY_MS);
    bundle(old, first);
    expect(await look()).to.deep.equal({ anchors: ['CN=first.test'], problems: '' });
  });
});
