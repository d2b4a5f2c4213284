import { expect } from 'chai';
import { createAnchor, createIssuer, expiryOf } from '../../../operator/pki/authority.ts';
import {
  commonName,
  fromPem,
  generateKeyPair,
  randomSerial,
  signCertificate,
} from '../../../operator/pki/certificate.ts';
import type { RenewalReport } from '../../../operator/pki/custody.ts';
import { basicConstraints, keyUsage } from '../../../operator/pki/extensions.ts';
import { expiryNotices, Reminders, renewalNotice } from '../../../operator/pki/notices.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import {
  ANCHOR_SECRET,
  ISSUER_SECRET,
  isSignedBy,
  type SecretContent,
  toSecret,
  WEBHOOK_AUTHORITY_SECRET,
} from '../../../operator/pki/secrets.ts';
import { ServingCertificate } from '../../../operator/pki/serving.ts';
import { Trust, type TrustSettings } from '../../../operator/pki/trust.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { PublishedTrust } from '../../support/published-trust.ts';

const DAY_MS = 86_400_000;
const SETTINGS: TrustSettings = {
  suffix: 'linkerd.cluster.local',
  issuer: { type: 'Managed' },
  anchorLifetimeMs: 1_000 * DAY_MS,
  issuerLifetimeMs: 100 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
  trustAnchors: null,
  rotation: NO_ROTATION,
};

class World extends PublishedTrust {
  readonly clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
  readonly store = new MemorySecrets();
  readonly reports: RenewalReport[] = [];
  settings = SETTINGS;
  trust = this.replica();

  replica(): Trust {
    const trust = new Trust(this.store, this.clock);
    trust.onRenewal((report) => this.reports.push(report));
    return trust;
  }

  async after(days: number, trust = this.trust): Promise<void> {
    this.clock.advanceSync(days * DAY_MS);
    await trust.refresh(this.settings, true);
  }
}

async function newWorld(settings: Partial<TrustSettings> = {}): Promise<World> {
  const world = new World();
  world.settings = { ...SETTINGS, ...settings };
  await world.after(0);
  return world;
}

describe('an issuer of our own', () => {
  it('is renewed at 70 % of its life below the same anchor, not before', async () => {
    const world = await newWorld();
    const { issuer } = world;
    const leaf = world.leaf();
    await world.after(69.9);
    expect(world.issuer.serialNumber).to.equal(issuer.serialNumber);
    await world.after(0.1);
    expect(world.issuer.serialNumber).not.to.equal(issuer.serialNumber);
    expect(world.issuer.validToDate.getTime()).to.equal(world.clock.wallMs() + 100 * DAY_MS);
    expect(world.anchors).to.have.length(1);
    expect(world.accepts(world.leaf(), world.anchors[0]!)).to.equal(true);
    expect(fromPem(leaf)[0]!.verify(issuer.publicKey)).to.equal(true);
    expect(world.store.replaced).to.deep.equal([ISSUER_SECRET]);
    expect(world.reports).to.have.length(1);
    expect(world.reports[0]).to.include({ name: 'issuer', outcome: 'renewed' });
  });

  it('that ended while no operator ran is replaced at the first look', async () => {
    const world = await newWorld();
    await world.after(400, world.replica());
    await world.after(0);
    expect(world.trust.problems).to.deep.equal([]);
    expect(world.trust.current!.issuerNotAfterMs).to.equal(world.clock.wallMs() + 100 * DAY_MS);
  });

  it('is left alone by a replica that does not lead, which takes up what the leader made', async () => {
    const world = await newWorld();
    const follower = world.replica();
    world.clock.advanceSync(75 * DAY_MS);
    await follower.refresh(world.settings, false);
    expect(world.store.replaced).to.deep.equal([]);
    await world.after(0);
    await follower.refresh(world.settings, false);
    expect(follower.current?.issuer.certificate.serialNumber).to.equal(world.issuer.serialNumber);
  });

  it('is replaced once by two that both believe to lead', async () => {
    const world = await newWorld();
    const other = world.replica();
    world.clock.advanceSync(75 * DAY_MS);
    await Promise.all([world.trust, other].map((trust) => trust.refresh(world.settings, true)));
    expect(world.store.replaced).to.deep.equal([ISSUER_SECRET]);
    await Promise.all([world.trust, other].map((trust) => trust.refresh(world.settings, true)));
    expect(other.current?.issuer.certificate.serialNumber).to.equal(world.issuer.serialNumber);
  });

  it('stays in force, and is tried again, while the API server refuses to replace it', async () => {
    const world = await newWorld();
    const replace = world.store.replace.bind(world.store);
    world.store.replace = () => Promise.reject(new Error('secrets "weft-identity-issuer" is forbidden'));
    await world.after(75);
    expect(world.trust.problems.map(({ code }) => code)).to.deep.equal(['WEFT_PKI_RENEWAL']);
    expect(world.trust.problems[0]!.message).to.contain('is forbidden');
    expect(world.reports[0]).to.include({ name: 'issuer', outcome: 'failed' });
    expect(world.accepts(world.leaf(), world.anchors[0]!)).to.equal(true);
    world.store.replace = replace;
    await world.after(0);
    expect(world.trust.problems).to.deep.equal([]);
    expect(world.reports[1]).to.include({ name: 'issuer', outcome: 'renewed' });
  });

  it('is not made anew again and again below an anchor of others that ends before it could', async () => {
    const world = new World();
    const foreign = createAnchor('root.of.others', 50 * DAY_MS, world.clock.wallMs());
    world.store.secrets.set(ANCHOR_SECRET, toSecret(foreign));
    await world.after(0);
    for (let i = 0; i < 5; i++) await world.after(9);
    expect(world.store.replaced).to.deep.equal([]);
    expect(expiryNotices(world.trust.held, world.clock.wallMs()).map(({ reason }) => reason)).to.deep.equal([
      'AnchorExpiresSoon',
      'IssuerExpiresSoon',
    ]);
  });
});

describe('an anchor of our own', () => {
  it('gets a successor at 70 % of its life; both are trusted, and the issuer follows after two lives of a certificate', async () => {
    const world = await newWorld();
    const [old] = world.anchors;
    await world.after(699.9);
    const { issuer } = world;
    expect(world.anchors).to.have.length(1);
    await world.after(0.1);
    const [next, second] = world.anchors;
    expect(second!.fingerprint256).to.equal(old!.fingerprint256);
    expect(world.issuer.serialNumber).to.equal(issuer.serialNumber);
    expect(world.trust.current!.isCrossing).to.equal(true);
    const before = world.leaf();
    await world.after(1.9);
    expect(world.issuer.serialNumber).to.equal(issuer.serialNumber);
    await world.after(0.1);
    expect(isSignedBy(world.issuer, next!)).to.equal(true);
    expect(world.trust.current!.isCrossing).to.equal(false);
    // A proxy that was away knows the old anchor alone; one of after the cross-over will know the new one alone.
    for (const known of [[old!], [next!], [old!, next!]]) expect(world.accepts(world.leaf(), ...known)).to.equal(true);
    expect(world.accepts(before, old!, next!)).to.equal(false);
    expect(world.reports.filter(({ name }) => name === 'anchor')).to.have.length(1);
  });

  it('leaves the bundle when it has ended, without a write', async () => {
    const world = await newWorld();
    const [old] = world.anchors;
    await world.after(700);
    for (let i = 0; i < 6; i++) await world.after(60);
    expect(world.anchors.map(({ fingerprint256 }) => fingerprint256)).not.to.include(old!.fingerprint256);
    expect(world.anchors).to.have.length(1);
    expect(world.accepts(world.leaf(), ...world.anchors)).to.equal(true);
    expect(fromPem(world.leaf()), 'leaf and issuer').to.have.length(2);
    expect(world.store.replaced.filter((name) => name === ANCHOR_SECRET)).to.have.length(1);
  });

  it('keeps only the newest key, and what older versions read as well', async () => {
    const world = await newWorld();
    const keyOf = () => Buffer.from(world.store.secrets.get(ANCHOR_SECRET)!.data['tls.key']!).toString();
    const key = keyOf();
    await world.after(700);
    expect(keyOf()).not.to.equal(key);
    const { data } = world.store.secrets.get(ANCHOR_SECRET)!;
    expect(Object.keys(data).toSorted()).to.deep.equal(['ca.crt', 'tls.crt', 'tls.key']);
    const [first, crossed] = fromPem(Buffer.from(data['tls.crt']!).toString());
    expect(first!.fingerprint256).to.equal(world.anchors[0]!.fingerprint256);
    expect(crossed!.publicKey.equals(first!.publicKey) && isSignedBy(crossed!, world.anchors[1]!)).to.equal(true);
  });

  it('crosses over alike when the process ends between any two writes', async () => {
    const world = await newWorld();
    const replace = world.store.replace.bind(world.store);
    world.store.replace = async (...given) => {
      await replace(...given);
      throw new Error('the process ends after the write');
    };
    for (let day = 0; day < 1_600; day += 10) {
      world.trust = world.replica();
      await world.after(10);
      world.trust = world.replica();
      await world.after(0);
      expect(world.accepts(world.leaf(), ...world.anchors), `day ${day}`).to.equal(true);
      expect(world.trust.problems).to.deep.equal([]);
    }
    expect(world.store.replaced.filter((name) => name === ANCHOR_SECRET)).to.have.length(2);
  });

  it('that ended while no operator ran is replaced, with its issuer, at the first look', async () => {
    const world = await newWorld();
    await world.after(1_500, world.replica());
    await world.after(0);
    expect(world.trust.problems).to.deep.equal([]);
    expect(world.anchors).to.have.length(1);
    expect(world.accepts(world.leaf(), ...world.anchors)).to.equal(true);
  });

  it('that was deleted when it was due is put back first, and replaced in the version that was then read', async () => {
    const world = await newWorld();
    const [old] = world.anchors;
    world.store.secrets.delete(ANCHOR_SECRET);
    await world.after(700);
    expect(world.anchors.map(({ fingerprint256 }) => fingerprint256)).to.deep.equal([old!.fingerprint256]);
    expect(world.store.replaced).not.to.include(ANCHOR_SECRET);
    await world.after(0);
    expect(world.anchors).to.have.length(2);
    expect(world.store.replaced).to.include(ANCHOR_SECRET);
  });

  it('whose Secret was lost while no operator ran is made anew; what it vouched for stays trusted to its end', async () => {
    const world = await newWorld();
    const [old] = world.anchors;
    await world.after(10);
    const before = world.leaf();
    world.store.secrets.delete(ANCHOR_SECRET);
    world.trust = world.replica();
    await world.after(0);
    expect(world.trust.problems).to.deep.equal([]);
    expect(world.anchors).to.have.length(2);
    expect(world.accepts(before, ...world.anchors) && world.accepts(world.leaf(), old!)).to.equal(true);
    await world.after(1.9);
    expect(world.accepts(world.leaf(), old!), 'still below the old one').to.equal(true);
    const last = world.leaf();
    await world.after(0.2);
    const [next, second] = world.anchors;
    expect(isSignedBy(world.issuer, next!)).to.equal(true);
    expect(second!.fingerprint256).to.equal(old!.fingerprint256);
    for (const leaf of [last, world.leaf()]) expect(world.accepts(leaf, ...world.anchors)).to.equal(true);
    for (let i = 0; i < 11; i++) await world.after(90);
    expect(world.anchors.map(({ fingerprint256 }) => fingerprint256)).not.to.include(old!.fingerprint256);
  });

  it('may live for seconds', async () => {
    const lives = { anchorLifetimeMs: 60_000, issuerLifetimeMs: 20_000, certificateLifetimeMs: 10_000 };
    const world = await newWorld(lives);
    for (let second = 0; second < 300; second++) {
      const { anchors } = world;
      await world.after(1_000 / DAY_MS);
      expect(world.accepts(world.leaf(), ...anchors), `second ${second}`).to.equal(true);
    }
    expect(world.store.replaced.length).to.be.within(20, 60);
  });

  it('is not replaced while the clocks of replica and API server are hours apart', async () => {
    const world = await newWorld();
    const offsetMs = world.clock.wallMs();
    world.store.serverMs = () => offsetMs;
    await world.after(5_000);
    expect(world.store.replaced).to.deep.equal([]);
    expect(world.trust.problems.map(({ code }) => code)).to.include('WEFT_PKI_RENEWAL');
    expect(world.trust.problems.map(({ message }) => message).join()).to.contain('minutes apart');
    world.store.serverMs = () => world.clock.wallMs() - 60_000;
    await world.after(0);
    expect(world.store.replaced).to.include(ANCHOR_SECRET);
  });

  it('of the webhooks is trusted beside its successor, by which everything is signed at once', async () => {
    const world = await newWorld();
    const [old] = fromPem(world.trust.caBundlePem);
    await world.after(0.7 * 3_650);
    expect(world.store.replaced).to.include(WEBHOOK_AUTHORITY_SECRET);
    expect(fromPem(world.trust.caBundlePem)).to.have.length(2);
    const serving = new ServingCertificate(
      () => ['x.svc'],
      DAY_MS,
      () => world.trust.webhookAuthority,
      world.clock,
    );
    serving.renewIfDue();
    const { certPem } = serving.current!;
    for (const known of [[old!], [fromPem(world.trust.caBundlePem)[0]!]])
      expect(world.accepts(certPem, ...known)).to.equal(true);
  });
});

describe('what others keep', () => {
  const foreign = (nowMs: number): SecretContent => {
    const keys = generateKeyPair();
    const subject = commonName('root.linkerd.cluster.local');
    const certificate = signCertificate(
      {
        serial: randomSerial(),
        issuer: subject,
        subject,
        publicKey: keys.publicKey,
        notBeforeMs: nowMs,
        notAfterMs: nowMs + 100 * DAY_MS,
        extensions: [basicConstraints(true), keyUsage('keyCertSign')],
      },
      keys.privateKey,
    );
    return toSecret({ certificate, privateKey: keys.privateKey, chain: [], anchors: [certificate] });
  };

  it('is never written: neither without our labels nor, with them, what somebody else made', async () => {
    for (const hasLabels of [false, true]) {
      const world = new World();
      const nowMs = world.clock.wallMs();
      const content = hasLabels ? foreign(nowMs) : toSecret(createAnchor('root.x', 100 * DAY_MS, nowMs));
      if (hasLabels) world.store.label(content);
      world.store.secrets.set(ANCHOR_SECRET, content);
      await world.after(0);
      await world.after(99);
      expect(world.store.secrets.get(ANCHOR_SECRET), `labels: ${hasLabels}`).to.equal(content);
      expect(world.trust.held.find(({ name }) => name === 'anchor')?.renewAtMs).to.equal(null);
      const warned = expiryNotices(world.trust.held, world.clock.wallMs());
      expect(warned[0]).to.include({ type: 'Warning', reason: 'AnchorExpiresSoon' });
      expect(warned[0]!.note).to.contain(ANCHOR_SECRET).and.contain('does not renew it');
    }
  });

  it('is not taken for ours when it was deleted and we have put it back', async () => {
    const world = new World();
    world.store.secrets.set(ANCHOR_SECRET, foreign(world.clock.wallMs()));
    await world.after(0);
    world.store.secrets.delete(ANCHOR_SECRET);
    await world.after(75);
    await world.after(0);
    expect(world.store.created).to.include(ANCHOR_SECRET);
    expect(world.store.replaced).not.to.include(ANCHOR_SECRET);
    expect(world.trust.held.find(({ name }) => name === 'anchor')?.renewAtMs).to.equal(null);
  });

  it('as the Secret that the Mesh names is warned of a month ahead, or at 70 % of a shorter life', async () => {
    const rows: [lifeDays: number, quietDays: number, warnedDays: number][] = [
      [365, 334, 336],
      [2, 1.3, 1.5],
    ];
    for (const [lifeDays, quietDays, warnedDays] of rows) {
      const world = new World();
      const nowMs = world.clock.wallMs();
      const anchor = createAnchor('root.x', 5_000 * DAY_MS, nowMs);
      const content = toSecret(createIssuer(anchor, 'identity.x', lifeDays * DAY_MS, nowMs));
      world.store.label(content);
      world.store.secrets.set('linkerd-identity-issuer', content);
      world.settings = { ...SETTINGS, issuer: { type: 'Secret', name: 'linkerd-identity-issuer' } };
      await world.after(quietDays);
      expect(expiryNotices(world.trust.held, world.clock.wallMs())).to.deep.equal([]);
      await world.after(warnedDays - quietDays);
      const reasons = expiryNotices(world.trust.held, world.clock.wallMs()).map(({ reason }) => reason);
      expect(reasons, `life of ${lifeDays} days`).to.deep.equal(['IssuerExpiresSoon']);
      await world.after(lifeDays - warnedDays + 1);
      expect(expiryNotices(world.trust.held, world.clock.wallMs())[0]?.reason).to.equal('IssuerExpired');
      expect(world.store.replaced).to.deep.equal([]);
    }
  });
});

describe('notices', () => {
  it('name what happened, and are told again after a day', () => {
    const detail = 'weft-identity-issuer was renewed';
    const renewed = renewalNotice({ name: 'issuer', secret: ISSUER_SECRET, outcome: 'renewed', detail });
    expect(renewed).to.deep.equal({ type: 'Normal', reason: 'IssuerRenewed', action: 'Renew', note: detail });
    const failed = renewalNotice({ name: 'webhook-ca', secret: 's', outcome: 'failed', detail: 'no right' });
    expect(failed).to.include({ type: 'Warning', reason: 'WebhookAuthorityRenewalFailed' });
    const reminders = new Reminders();
    expect([0, 15_000, DAY_MS - 1, DAY_MS, DAY_MS + 15_000].map((ms) => reminders.isNew(failed, ms))).to.deep.equal([
      true,
      false,
      false,
      true,
      false,
    ]);
    expect(reminders.isNew({ ...failed, note: 'no network' }, DAY_MS)).to.equal(true);
  });
});

describe('a serving certificate', () => {
  const start = () => {
    const clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
    const authority = createTestAuthority(clock.wallMs());
    const given = { jumpMs: 0, names: ['a.test'] };
    const jumping = {
      nowMs: () => clock.nowMs(),
      wallMs: () => clock.wallMs() + given.jumpMs,
      schedule: clock.schedule.bind(clock),
    };
    const serving = new ServingCertificate(
      () => given.names,
      DAY_MS / 2,
      () => authority.issuer,
      jumping,
    );
    serving.start();
    const leaf = () => fromPem(serving.current!.certPem)[0]!;
    return { clock, authority, given, serving, leaf, nowMs: jumping.wallMs };
  };

  it('is valid again within 5 s of a clock that jumped and came back', async () => {
    const { clock, given, leaf, nowMs } = start();
    for (const jumpMs of [0.45 * DAY_MS, 0, -0.9 * DAY_MS, 0]) {
      given.jumpMs = jumpMs;
      await clock.advance(5_000);
      expect(leaf().validFromDate.getTime(), `from, ${jumpMs}`).to.be.at.most(nowMs());
      expect(leaf().validToDate.getTime(), `to, ${jumpMs}`).to.be.greaterThan(nowMs());
    }
  });

  it('follows the names it is asked for', async () => {
    const { clock, given, leaf } = start();
    given.names = ['b.test'];
    await clock.advance(30_000);
    expect(leaf().subjectAltName).to.equal('DNS:b.test');
  });

  it('is not made anew at every look when its authority has ended', async () => {
    const { clock, authority, serving } = start();
    let renewals = 0;
    serving.onChange(() => {
      renewals += 1;
    });
    clock.advanceSync(expiryOf(authority.issuer) - clock.wallMs());
    renewals = 0;
    await clock.advance(600_000);
    expect(renewals).to.equal(0);
  });
});
