import { X509Certificate } from 'node:crypto';
import { expect } from 'chai';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { ControlCertificate, controlName } from '../../../operator/pki/control.ts';
import { TrustPublisher } from '../../../operator/pki/publisher.ts';
import { type Received, ReceivedTrust } from '../../../operator/pki/received-trust.ts';
import { NO_ROTATION } from '../../../operator/pki/rotation-record.ts';
import { CONTROL_SECRET, ISSUER_SECRET, PUBLISHED_SECRET, toSecret } from '../../../operator/pki/secrets.ts';
import { Trust, type TrustSettings } from '../../../operator/pki/trust.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const SETTINGS: TrustSettings = {
  suffix: 'mesh.test',
  issuer: { type: 'Managed' },
  anchorLifetimeMs: 3_650 * DAY_MS,
  issuerLifetimeMs: 365 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
  trustAnchors: null,
  rotation: NO_ROTATION,
};
const NAME = controlName('mesh.test');
const IDENTITY: Received = { signer: true, webhookAuthority: false, control: false };
const CONFIG: Received = { signer: false, webhookAuthority: false, control: true };
const WEBHOOKS: Received = { signer: false, webhookAuthority: true, control: false };

/** A leader without other roles, and a process for each of them. */
class World {
  readonly store = new MemorySecrets();
  readonly clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
  readonly leader = new Trust(this.store, this.clock);
  readonly publisher = new TrustPublisher(this.store, this.clock);
  settings = SETTINGS;

  received(received: Received): ReceivedTrust {
    return new ReceivedTrust(this.store, this.clock, received);
  }

  async look(...others: ReceivedTrust[]): Promise<void> {
    await this.leader.refresh(this.settings, true);
    await this.publisher.publish(this.leader.current!, NAME);
    for (const other of others) await other.refresh(this.settings);
  }
}

describe('the trust as processes of other roles receive it', () => {
  it('is that of the leader, under the same name; who signs has the key, and nobody else', async () => {
    const world = new World();
    const [identity, config, webhooks] = [IDENTITY, CONFIG, WEBHOOKS].map((each) => world.received(each));
    await world.look(identity!, config!, webhooks!);
    for (const each of [identity!, config!, webhooks!]) {
      expect(each.generation).to.equal(world.leader.generation).and.not.to.equal('');
      expect(each.current).to.deep.include({
        anchorsPem: world.leader.current!.anchorsPem,
        issuerNotAfterMs: world.leader.current!.issuerNotAfterMs,
      });
      expect(each.isComplete).to.equal(true);
      expect(each.problems).to.deep.equal([]);
    }
    expect(identity!.current!.issuer!.privateKey.equals(world.leader.current!.issuer.privateKey)).to.equal(true);
    expect([config!.current!.issuer, webhooks!.current!.issuer]).to.deep.equal([null, null]);
    expect([identity!.webhookAuthority, config!.webhookAuthority]).to.deep.equal([null, null]);
    expect(webhooks!.caBundlePem).to.equal(world.leader.caBundlePem);
    const published = Object.values(world.store.secrets.get(PUBLISHED_SECRET)!.data).map((bytes) => String(bytes));
    for (const text of published) expect(text).not.to.contain('PRIVATE KEY');
  });

  it('is written when it changes, and not otherwise', async () => {
    const world = new World();
    await world.look();
    const before = [...world.store.replaced];
    await world.look();
    expect(world.store.replaced).to.deep.equal(before);
    world.settings = { ...SETTINGS, rotation: { ...NO_ROTATION, leaf: '1' } };
    const config = world.received(CONFIG);
    await world.look();
    await world.clock.advance(1_000);
    await world.look(config);
    expect(config.current!.leafTerms).to.deep.include({ ofIssuer: false });
    expect(config.generation).to.equal(world.leader.generation);
    const terms = config.current!.leafTerms;
    await world.look(config);
    expect(config.current!.leafTerms, 'the same object').to.equal(terms);
  });

  it('goes on from what was read before where it is gone or cannot be read', async () => {
    const world = new World();
    const config = world.received(CONFIG);
    await world.look(config);
    const { generation } = config;
    world.store.secrets.set(PUBLISHED_SECRET, { type: 'Opaque', data: { 'trust.json': Buffer.from('{') } });
    world.store.secrets.delete(CONTROL_SECRET);
    await config.refresh(SETTINGS);
    expect(config.problems.map(({ code }) => code)).to.deep.equal(['WEFT_PKI_SECRET', 'WEFT_PKI_ABSENT']);
    expect([config.generation, config.control.size]).to.deep.equal([generation, 1]);
    world.store.secrets.delete(PUBLISHED_SECRET);
    await world.look(config);
    expect(config.problems).to.deep.equal([]);
  });

  it('keeps the signer that is published until the next one is published too', async () => {
    const world = new World();
    const identity = world.received(IDENTITY);
    await world.look(identity);
    const first = identity.current!.issuer!.certificate.serialNumber;
    const next = createIssuer(
      createAnchor('root.other', DAY_MS, world.clock.wallMs()),
      'i',
      DAY_MS,
      world.clock.wallMs(),
    );
    world.store.secrets.set(ISSUER_SECRET, toSecret(next));
    await identity.refresh(SETTINGS);
    expect(identity.current!.issuer!.certificate.serialNumber).to.equal(first);
  });

  it('has what the operator proves to proxies: made anew at 70 % of its day, and by the issuer of the day', async () => {
    const world = new World();
    const config = world.received(CONFIG);
    const serial = () => new X509Certificate(config.control.get(NAME)!.certPem).serialNumber;
    await world.look(config);
    const first = serial();
    await world.clock.advance(16 * HOUR_MS);
    await world.look(config);
    expect(serial(), 'after 16 hours').to.equal(first);
    await world.clock.advance(HOUR_MS);
    await world.look(config);
    const second = serial();
    expect(second, 'after 17 hours').not.to.equal(first);
    world.store.secrets.delete(ISSUER_SECRET);
    await world.look();
    await world.look(config);
    expect(serial(), 'another issuer').not.to.equal(second);
    const { issuer } = world.leader.current!;
    expect(new X509Certificate(config.control.get(NAME)!.certPem).verify(issuer.certificate.publicKey)).to.equal(true);
  });

  it('has the names of before as well: pods that were injected under another suffix find the operator', async () => {
    const world = new World();
    const config = world.received(CONFIG);
    await world.look();
    await world.publisher.publish(world.leader.current!, controlName('new.test'));
    await config.refresh(SETTINGS);
    const control = new ControlCertificate(
      () => 'new.test',
      DAY_MS,
      () => null,
      world.clock,
    );
    expect(control.present.current).to.equal(null);
    control.adopt(config.control);
    const nameOf = (pem = '') => new X509Certificate(pem).subjectAltName;
    expect(nameOf(control.present.current?.certPem)).to.equal(`DNS:${controlName('new.test')}`);
    expect(nameOf(control.named(NAME)?.certPem)).to.equal(`DNS:${NAME}`);
    expect(control.named(controlName('never.test'))).to.equal(null);
  });
});
