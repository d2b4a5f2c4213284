import { expect } from 'chai';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { ANCHOR_SECRET, ISSUER_SECRET, toSecret, WEBHOOK_AUTHORITY_SECRET } from '../../../operator/pki/secrets.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { isAccepted } from '../../support/verify-chain.ts';
import { Installation, type Pod } from './installation.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
/** A quarter of a certificate's life: whatever is due is seen several times before it ends. */
const STEP_MS = 6 * HOUR_MS;
const STEPS_PER_DAY = DAY_MS / STEP_MS;

/** What somebody who watches the installation has seen. */
interface Seen {
  issuers: Set<string>;
  bundles: Set<string>;
  reasons: Set<string>;
}

function look(installation: Installation, seen: Seen): void {
  const { leader } = installation;
  const { current } = leader.certificates.trust;
  seen.issuers.add(current!.issuer!.certificate.serialNumber);
  seen.bundles.add(current!.anchorsPem);
  const { condition, ready } = leader.status();
  expect(condition.status, condition.message).to.equal('True');
  expect(ready).to.equal(true);
  seen.reasons.add(condition.reason);
}

/** Every pair of proxies, every proxy with every replica, the API server with every webhook server. */
function everybodyTrustsEverybody(installation: Installation): void {
  const nowMs = installation.clock.wallMs();
  const at = new Date(nowMs).toISOString();
  const present = installation.pods.filter(({ isAway }) => !isAway);
  for (const one of present) {
    for (const other of present)
      expect(accepts(one, other.chainPem, nowMs), `${one.name} ← ${other.name}, ${at}`).to.equal(true);
    for (const { certificates, anchorsPem } of installation.replicas) {
      expect(accepts(one, certificates.control.current!.certPem, nowMs), `${one.name} ← operator, ${at}`).to.equal(
        true,
      );
      expect(isAccepted(one.chainPem, anchorsPem, nowMs), `operator ← ${one.name}, ${at}`).to.equal(true);
    }
  }
  for (const { certificates } of installation.replicas) {
    const { certPem } = certificates.webhook.current!;
    expect(isAccepted(certPem, installation.caBundlePem, nowMs), `API server ← webhook, ${at}`).to.equal(true);
  }
}

const accepts = (pod: Pod, chainPem: string, nowMs: number) => isAccepted(chainPem, pod.agent.anchorsPem, nowMs);

/** Lets time pass, and looks at everything after each step. */
async function pass(
  installation: Installation,
  seen: Seen,
  days: number,
  daily: (day: number) => Promise<void> = async () => {},
): Promise<void> {
  for (let step = 0; step < days * STEPS_PER_DAY; step++) {
    await installation.clock.leap(STEP_MS);
    await installation.settled();
    everybodyTrustsEverybody(installation);
    // Only now is the new bundle written into the webhook configurations.
    installation.caBundlePem = installation.leader.certificates.trust.caBundlePem;
    look(installation, seen);
    if (step % STEPS_PER_DAY === 0) await daily(step / STEPS_PER_DAY);
  }
}

async function start(installation: Installation): Promise<void> {
  await installation.startReplica();
  await installation.startReplica();
  installation.caBundlePem = installation.leader.certificates.trust.caBundlePem;
}

const nothing = (): Seen => ({ issuers: new Set(), bundles: new Set(), reasons: new Set() });
const reasonsOf = ({ notices }: Installation) => notices.map(({ reason }) => reason);

describe('certificates of a default installation', function () {
  this.timeout(120_000);
  let installation: Installation;
  afterEach(() => installation.stop());

  it('renew themselves for a year and a half: nothing stops, and each renewal is seen', async () => {
    const clock = new FakeClock({ wallOffsetMs: Date.UTC(2026, 0, 1) });
    installation = new Installation(clock);
    await start(installation);
    for (const name of ['steady', 'restarting']) await installation.inject(name);
    await installation.inject('direct', false);
    const away = await installation.inject('away');
    const [, restarting] = installation.pods;
    const { anchorsPem } = installation.leader;
    const seen = nothing();
    await pass(installation, seen, 550, async (day) => {
      if (day % 30 === 29) await restarting!.restart();
      if (day === 200) away.isAway = true;
      if (day !== 400) return;
      away.isAway = false;
      await away.restart();
      await installation.settled();
    });
    expect(seen.issuers.size, 'issuers: the first, and those of days 256 and 511').to.equal(3);
    expect([...seen.bundles], 'the anchor lives for ten years').to.deep.equal([anchorsPem]);
    expect([...seen.reasons]).to.deep.equal(['Valid']);
    expect(reasonsOf(installation)).to.deep.equal(['IssuerRenewed', 'IssuerRenewed']);
    expect(installation.notices[0]).to.include({ type: 'Normal', action: 'Renew' });
    expect(installation.secrets.replaced).to.deep.equal([ISSUER_SECRET, ISSUER_SECRET]);
    const { leader } = installation;
    expect(await leader.metric('weft_certificate_renewals_total', 'issuer')).to.equal(2);
    expect(await leader.metric('weft_certificate_renewal_failures_total', 'issuer')).to.equal(0);
    for (const name of ['webhook', 'control']) {
      expect(await leader.metric('weft_certificate_renewals_total', name), name).to.be.within(730, 800);
      const endMs = (await leader.metric('weft_certificate_expiry_timestamp_seconds', name)) * 1000;
      expect(endMs - clock.wallMs(), name).to.be.within(0, DAY_MS);
    }
    const { fields } = leader.status();
    expect(fields['issuerExpiry']).to.equal(iso(Date.UTC(2026, 0, 1) + 511 * DAY_MS + YEAR_MS, fields['issuerExpiry']));
    expect(fields).to.include({
      anchorExpiry: '2035-12-30T00:00:00Z',
      anchorRenewal: '2032-12-30T00:00:00Z',
      trustedAnchors: 1,
    });
    expect(installation.pods.every(({ agent }) => agent.status.notAfterMs > clock.wallMs())).to.equal(true);
  });

  it('cross over to a new anchor and a new webhook CA, with pods that were away and pods of before', async () => {
    const clock = new FakeClock({ wallOffsetMs: Date.UTC(2026, 0, 1) });
    installation = new Installation(clock);
    await madeBy(installation, clock.wallMs() - 6.8 * YEAR_MS);
    await start(installation);
    const [before] = fromPem(installation.leader.anchorsPem);
    await installation.inject('steady');
    await installation.inject('direct', false);
    const away = await installation.inject('away');
    const rebooted = await installation.inject('rebooted');
    const seen = nothing();
    await pass(installation, seen, 550, async (day) => {
      if (day === 60) away.isAway = true;
      if (day === 75) await installation.changeLeader();
      if (day % 50 === 25) await installation.inject(`of-day-${day}`, day % 100 === 25);
      // Nothing but the anchor of its environment, which is the old one: it comes in over the certificate of the new key by the old.
      if (day === 300) await rebooted.restart(true);
      if (day !== 330) return;
      away.isAway = false;
      await away.restart();
      await installation.settled();
      expect(fromPem(away.agent.anchorsPem)).to.have.length(2);
    });
    const [next, old] = fromPem(installation.leader.anchorsPem);
    expect(old?.fingerprint256).to.equal(before?.fingerprint256);
    expect(next?.validToDate.getTime()).to.be.greaterThan(clock.wallMs() + 8 * YEAR_MS);
    expect([...seen.reasons]).to.deep.equal(['Valid', 'AnchorRenewal']);
    expect([...seen.bundles]).to.have.length(2);
    const [first, ...rest] = reasonsOf(installation).toSorted();
    expect([first, rest.at(-1), new Set(rest.slice(0, -1))]).to.deep.equal([
      'AnchorRenewed',
      'WebhookAuthorityRenewed',
      new Set(['IssuerRenewed']),
    ]);
    expect(installation.notices.find(({ reason }) => reason === 'AnchorRenewed')?.note).to.contain(
      'is trusted beside it',
    );
    expect(installation.secrets.replaced.filter((name) => name !== ISSUER_SECRET).toSorted()).to.deep.equal([
      ANCHOR_SECRET,
      WEBHOOK_AUTHORITY_SECRET,
    ]);
    expect(fromPem(installation.caBundlePem)).to.have.length(2);
    expect(installation.leader.status().fields).to.include({ trustedAnchors: 2 });
    // The operator is switched off for two years: the old anchor ends, and so does the issuer.
    for (const pod of installation.pods) pod.isAway = true;
    await clock.leap(2 * YEAR_MS);
    for (const pod of installation.pods) pod.isAway = false;
    await clock.leap(HOUR_MS);
    for (const pod of installation.pods) await pod.restart();
    await installation.settled();
    everybodyTrustsEverybody(installation);
    expect(fromPem(installation.leader.anchorsPem).map(({ fingerprint256 }) => fingerprint256)).to.deep.equal([
      next?.fingerprint256,
    ]);
    expect(installation.leader.status().condition).to.include({ status: 'True', reason: 'Valid' });
  });

  it('of seconds are followed by every replica in time', async () => {
    const lives = { anchorLifetimeMs: 600_000, issuerLifetimeMs: 60_000, certificateLifetimeMs: 20_000 };
    const mesh = { ...DEFAULT_MESH, identity: { ...DEFAULT_MESH.identity, ...lives } };
    const clock = new FakeClock({ wallOffsetMs: Date.UTC(2026, 0, 1) });
    installation = new Installation(clock, mesh);
    await start(installation);
    for (let second = 0; second < 1_200; second += 5) {
      await clock.advance(5_000);
      for (const { certificates } of installation.replicas) {
        const { issuerNotAfterMs } = certificates.trust.current!;
        expect(issuerNotAfterMs, `second ${second}`).to.be.greaterThan(clock.wallMs() + 5_000);
      }
    }
    expect(installation.secrets.replaced.filter((name) => name === ANCHOR_SECRET)).to.have.length(2);
  });

  it('that nobody may renew are told of once a day while they last, and counted at every attempt', async () => {
    const clock = new FakeClock({ wallOffsetMs: Date.UTC(2026, 0, 1) });
    installation = new Installation(clock);
    await start(installation);
    installation.secrets.replace = () => Promise.reject(new Error('secrets "weft-identity-issuer" is forbidden'));
    await clock.leap(260 * DAY_MS);
    for (let hour = 0; hour < 48; hour++) await clock.leap(HOUR_MS);
    const failed = reasonsOf(installation).filter((reason) => reason === 'IssuerRenewalFailed');
    expect(failed.length).to.be.within(2, 3);
    const { leader } = installation;
    expect(await leader.metric('weft_certificate_renewal_failures_total', 'issuer')).to.be.at.least(48);
    const { condition, ready } = leader.status();
    expect(condition).to.include({ status: 'True', reason: 'RenewalFailed' });
    expect(condition.message).to.contain('is forbidden');
    expect(ready, 'nothing is lost yet').to.equal(true);
    await clock.leap(100 * DAY_MS);
    expect(reasonsOf(installation)).to.include('IssuerExpiresSoon');
    await clock.leap(10 * DAY_MS);
    expect(reasonsOf(installation)).to.include('IssuerExpired');
    expect(leader.status().condition).to.include({ status: 'False', reason: 'Expired' });
  });
});

describe('certificates of an installation whose issuer and anchors others keep', function () {
  this.timeout(60_000);
  let installation: Installation;
  afterEach(() => installation.stop());

  it('are as they were while what others write is no good: by condition and Event, once a day, until it is mended', async () => {
    const clock = new FakeClock({ wallOffsetMs: Date.UTC(2026, 0, 1) });
    const identity = {
      ...DEFAULT_MESH.identity,
      issuer: { type: 'Secret' as const, name: 'theirs' },
      trustAnchors: { name: 'roots', key: 'ca-bundle.crt' },
    };
    installation = new Installation(clock, { ...DEFAULT_MESH, identity });
    const anchor = createAnchor('theirs.test', YEAR_MS, clock.wallMs());
    const roots = { 'ca-bundle.crt': anchor.certificate.toString() };
    installation.secrets.secrets.set('theirs', toSecret(createIssuer(anchor, 'issuer.test', YEAR_MS, clock.wallMs())));
    installation.configMaps.set('roots', roots);
    await start(installation);
    expect(installation.leader.status().condition).to.include({ status: 'True', reason: 'Valid' });
    const { anchorsPem } = installation.leader;
    installation.configMaps.set('roots', { 'ca-bundle.crt': 'nothing' });
    for (let hour = 0; hour < 26; hour++) await clock.leap(HOUR_MS);
    const { condition, ready } = installation.leader.status();
    expect(condition).to.include({ status: 'False', reason: 'SecretUnusable' });
    expect(condition.message).to.contain('roots has no certificate under ca-bundle.crt');
    expect(ready).to.equal(false);
    expect(installation.leader.anchorsPem).to.equal(anchorsPem);
    const refused = installation.notices.filter(({ reason }) => reason === 'TrustRefused');
    expect(refused).to.have.length(2);
    expect(refused[0]).to.include({ type: 'Warning' });
    expect(refused[0]!.note).to.contain('what was read before stays in force: mend it');
    installation.configMaps.set('roots', roots);
    await clock.leap(HOUR_MS);
    expect(installation.leader.status().condition).to.include({ status: 'True', reason: 'Valid' });
  });

  it('are told of a month before they end, as somebody else has to renew them', async () => {
    const clock = new FakeClock({ wallOffsetMs: Date.UTC(2026, 0, 1) });
    const identity = { ...DEFAULT_MESH.identity, issuer: { type: 'Secret' as const, name: 'theirs' } };
    installation = new Installation(clock, { ...DEFAULT_MESH, identity });
    const anchor = createAnchor('theirs.test', 10 * YEAR_MS, clock.wallMs());
    installation.secrets.secrets.set('theirs', toSecret(createIssuer(anchor, 'issuer.test', YEAR_MS, clock.wallMs())));
    await start(installation);
    await clock.leap(334 * DAY_MS);
    expect(reasonsOf(installation)).not.to.include('IssuerExpiresSoon');
    await clock.leap(2 * DAY_MS);
    expect(reasonsOf(installation)).to.include('IssuerExpiresSoon');
    expect(installation.leader.status().condition).to.include({ status: 'True', reason: 'ExpiresSoon' });
    const endMs = (await installation.leader.metric('weft_certificate_expiry_timestamp_seconds', 'issuer')) * 1000;
    expect(endMs - clock.wallMs()).to.be.within(28 * DAY_MS, 30 * DAY_MS);
  });
});

/** Secrets as a version before made them, years ago, with an issuer of today. */
async function madeBy({ secrets }: Installation, nowMs: number): Promise<void> {
  const anchor = createAnchor('root.linkerd.cluster.local', 10 * YEAR_MS, nowMs);
  const webhook = createAnchor('webhooks.weft.dev', 10 * YEAR_MS, nowMs);
  const issuer = createIssuer(anchor, 'identity.linkerd.cluster.local', YEAR_MS, nowMs + 6.8 * YEAR_MS);
  await secrets.create(ANCHOR_SECRET, toSecret(anchor));
  await secrets.create(WEBHOOK_AUTHORITY_SECRET, toSecret(webhook));
  await secrets.create(ISSUER_SECRET, toSecret(issuer));
}

function iso(nearMs: number, text: unknown): unknown {
  return Math.abs(Date.parse(String(text)) - nearMs) < DAY_MS ? text : new Date(nearMs).toISOString();
}
