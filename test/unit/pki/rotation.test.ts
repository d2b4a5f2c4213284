import { expect } from 'chai';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { type ProxiesHold, TRUSTING_BOUND_MS } from '../../../operator/pki/rotation.ts';
import { NO_ROTATION, type RotationValues } from '../../../operator/pki/rotation-record.ts';
import { ANCHOR_SECRET, ISSUER_SECRET, ROTATION_SECRET, toSecret } from '../../../operator/pki/secrets.ts';
import { Trust, type TrustSettings } from '../../../operator/pki/trust.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { PublishedTrust } from '../../support/published-trust.ts';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const SETTINGS: TrustSettings = {
  suffix: 'linkerd.cluster.local',
  issuer: { type: 'Managed' },
  trustAnchors: null,
  rotation: NO_ROTATION,
  anchorLifetimeMs: 1_000 * DAY_MS,
  issuerLifetimeMs: 100 * DAY_MS,
  certificateLifetimeMs: DAY_MS,
};
const ALL: ProxiesHold = { connected: 3, anchors: 3, leaves: 3, absent: [] };

/** An installation that is a day old, and the proxies as a test says. */
class World extends PublishedTrust {
  readonly clock = new FakeClock({ wallOffsetMs: 1_800_000_000_500 });
  readonly store = new MemorySecrets();
  readonly told: string[][] = [];
  settings = SETTINGS;
  proxies: ProxiesHold | null = ALL;
  trust = this.replica();

  replica(): Trust {
    const trust = new Trust(this.store, this.clock, { proxies: async () => this.proxies });
    trust.onRotation((values) => this.told.push([...values]));
    return trust;
  }

  /** Looks at the Secrets as a leader, a second apart. */
  async look(times = 1): Promise<void> {
    for (let time = 0; time < times; time++) {
      this.clock.advanceSync(SECOND_MS);
      await this.trust.refresh(this.settings, true);
    }
  }

  wants(rotation: Partial<RotationValues>): void {
    this.settings = { ...this.settings, rotation: { ...NO_ROTATION, ...rotation } };
  }

  get phase(): string | undefined {
    return this.trust.rotation?.phase;
  }
}

async function newWorld(): Promise<World> {
  const world = new World();
  await world.look();
  world.clock.advanceSync(DAY_MS);
  await world.look();
  return world;
}

describe('a rotation of the anchor that a field asks for', () => {
  it('trusts both anchors, signs below the new one when every proxy has it, and trusts the old one no more when every certificate is new', async () => {
    const world = await newWorld();
    const [old] = world.anchors;
    const before = world.leaf();
    world.proxies = { ...ALL, anchors: 2, leaves: 0 };
    world.wants({ anchor: '2026-11' });
    await world.look(5);
    expect(world.anchors).to.have.length(2);
    expect(world.phase).to.equal('Trusting');
    expect(world.trust.rotation).to.deep.include({ holding: { have: 2, of: 3 } });
    expect(world.trust.rotation?.waits).to.match(
      /^1 of 3 connected proxies have not taken the new anchor yet; goes on/,
    );
    expect(world.issuer.checkIssued(old!), 'the issuer of before signs').to.equal(true);
    expect(world.trust.current!.leafTerms).to.equal(null);
    world.proxies = { ...ALL, leaves: 1 };
    await world.look(5);
    const [next] = world.anchors;
    expect(world.issuer.checkIssued(next!)).to.equal(true);
    expect(world.phase).to.equal('Renewing');
    expect(world.trust.rotation).to.deep.include({ holding: { have: 1, of: 3 } });
    expect(world.trust.current!.leafTerms).to.deep.include({ ofIssuer: true });
    expect(world.accepts(before, ...world.anchors), 'certificates of before are good meanwhile').to.equal(true);
    world.proxies = ALL;
    await world.look(5);
    expect(world.phase).to.equal('Done');
    expect(world.trust.rotation?.done).to.deep.equal({ anchor: '2026-11', issuer: '', leaf: '' });
    expect(world.anchors.map(({ fingerprint256 }) => fingerprint256)).to.deep.equal([next!.fingerprint256]);
    expect(world.accepts(before, ...world.anchors)).to.equal(false);
    expect(world.accepts(world.leaf(), old!), 'who knows the old one alone comes in by way of it').to.equal(true);
    expect(world.told).to.deep.equal([['anchor "2026-11"']]);
    expect(world.trust.problems).to.deep.equal([]);
  });

  it('goes on where it was when the leader ends between any two looks', async () => {
    const world = await newWorld();
    const [old] = world.anchors;
    world.wants({ anchor: '1', issuer: '1', leaf: '1' });
    for (let look = 0; look < 40 && world.told.length === 0; look++) {
      world.trust = world.replica();
      // The first look of a process publishes what it has read; only then proxies can have it.
      await world.look(2);
    }
    await world.look();
    expect(world.trust.rotation?.done).to.deep.equal({ anchor: '1', issuer: '1', leaf: '1' });
    expect(world.anchors).to.have.length(1);
    expect(world.anchors[0]!.fingerprint256).not.to.equal(old!.fingerprint256);
    const made = world.store.replaced.filter((name) => name !== ROTATION_SECRET);
    expect(made, 'each is made once, and the old anchor taken out of both').to.deep.equal([
      ANCHOR_SECRET,
      ISSUER_SECRET,
      ANCHOR_SECRET,
      ISSUER_SECRET,
    ]);
  });

  it('waits ten minutes for pods whose proxies are not connected, and for a life of a certificate before the old anchor goes', async () => {
    const world = await newWorld();
    world.proxies = { ...ALL, leaves: 3, absent: [{ name: 'shop/away', createdMs: 0 }] };
    world.wants({ anchor: '1' });
    await world.look(5);
    expect(world.phase).to.equal('Trusting');
    expect(world.trust.rotation?.waits).to.match(/^proxies of 1 pods are not connected: shop\/away; goes on/);
    world.clock.advanceSync(TRUSTING_BOUND_MS);
    await world.look(3);
    expect(world.phase).to.equal('Renewing');
    const last = world.leaf();
    world.clock.advanceSync(DAY_MS - 30 * SECOND_MS);
    await world.look();
    expect(world.anchors, 'as long as a certificate below it may live').to.have.length(2);
    world.clock.advanceSync(10 * 60_000);
    await world.look(5);
    expect(world.phase).to.equal('Done');
    expect(world.anchors).to.have.length(1);
    expect(world.accepts(last, ...world.anchors), 'its time is over').to.equal(false);
  });

  it('does not wait for pods that were made after what they are to have', async () => {
    const world = await newWorld();
    const starting = (afterMs: number) => [{ name: 'shop/job', createdMs: world.clock.wallMs() + afterMs }];
    world.proxies = { ...ALL, absent: starting(30_000) };
    world.wants({ anchor: '1' });
    await world.look(5);
    expect(world.phase, 'a replica may not have read the new anchor when it injected it').to.equal('Trusting');
    world.proxies = { ...ALL, absent: starting(100_000) };
    await world.look(10);
    expect(world.phase).to.equal('Done');
  });

  it('says nothing of proxies, and waits, while a replica of the operator does not answer', async () => {
    const world = await newWorld();
    world.proxies = null;
    world.wants({ anchor: '1' });
    await world.look(5);
    expect(world.trust.rotation).to.include({ phase: 'Trusting', holding: null });
    expect(world.trust.rotation?.waits).to.match(/^what proxies have is not known yet; goes on without them at /);
  });

  it('is not repeated for the same value, nor when the field is taken away; another value asks for another one', async () => {
    const world = await newWorld();
    world.wants({ anchor: '1' });
    await world.look(10);
    const [first] = world.anchors;
    world.wants({});
    await world.look(5);
    world.wants({ anchor: '1' });
    await world.look(5);
    expect(world.anchors[0]!.fingerprint256).to.equal(first!.fingerprint256);
    world.wants({ anchor: '2' });
    await world.look(10);
    expect(world.anchors[0]!.fingerprint256).not.to.equal(first!.fingerprint256);
    expect(world.told).to.deep.equal([['anchor "1"'], ['anchor "2"']]);
  });

  it('that is asked for while another one is under way comes after it', async () => {
    const world = await newWorld();
    world.proxies = { ...ALL, anchors: 0 };
    world.wants({ anchor: '1' });
    await world.look(3);
    world.wants({ anchor: '2' });
    await world.look(3);
    expect(world.anchors).to.have.length(2);
    world.proxies = ALL;
    await world.look(20);
    expect(world.told).to.deep.equal([['anchor "1"'], ['anchor "2"']]);
  });

  it('that was written with the installation itself has nothing to do', async () => {
    const world = new World();
    world.wants({ anchor: '1', issuer: '1', leaf: '1' });
    await world.look();
    const [only] = world.anchors;
    await world.look(5);
    expect(world.phase).to.equal('Done');
    expect(world.anchors.map(({ fingerprint256 }) => fingerprint256)).to.deep.equal([only!.fingerprint256]);
    expect(world.store.replaced).to.deep.equal([ROTATION_SECRET]);
  });

  it('is refused, with the reason, for an anchor that somebody else keeps', async () => {
    const world = await newWorld();
    const anchor = createAnchor('theirs.test', 100 * DAY_MS, world.clock.wallMs());
    const issuer = createIssuer(anchor, 'issuer.test', 50 * DAY_MS, world.clock.wallMs());
    world.store.secrets.set(ANCHOR_SECRET, toSecret(anchor));
    world.store.secrets.set(ISSUER_SECRET, toSecret(issuer));
    world.wants({ anchor: '1' });
    await world.look(3);
    expect(world.trust.problems.map(({ message }) => message).join()).to.contain(
      'a rotation of the anchor is asked for, which the operator did not make',
    );
    expect(world.store.replaced).to.deep.equal([]);
    expect(world.store.secrets.has(ROTATION_SECRET)).to.equal(false);
  });

  it('leaves what stands before each proxy in a chain that does not grow with the number of rotations', async () => {
    const world = await newWorld();
    for (let time = 0; time < 6; time++) {
      world.wants({ anchor: String(time) });
      await world.look(10);
    }
    expect(world.told).to.have.length(6);
    // Leaf, issuer, and three that vouch.
    expect(fromPem(world.leaf())).to.have.length(5);
    expect(world.accepts(world.leaf(), ...world.anchors)).to.equal(true);
  });

  it('is not begun while the clocks of leader and API server are far apart', async () => {
    const world = await newWorld();
    world.store.serverMs = () => world.clock.wallMs() - DAY_MS;
    world.wants({ anchor: '1' });
    await world.look(3);
    expect(world.store.secrets.has(ROTATION_SECRET)).to.equal(false);
    expect(world.anchors).to.have.length(1);
  });
});

describe('a rotation of issuer or leaves that a field asks for', () => {
  it('makes the issuer anew below the same anchor at once, and has certificates of the old one renewed', async () => {
    const world = await newWorld();
    const { issuer } = world;
    const [anchor] = world.anchors;
    world.proxies = { ...ALL, leaves: 0 };
    world.wants({ issuer: '1' });
    await world.look(4);
    expect(world.issuer.serialNumber).not.to.equal(issuer.serialNumber);
    expect(world.issuer.checkIssued(anchor!)).to.equal(true);
    expect(world.phase).to.equal('Renewing');
    expect(world.trust.current!.leafTerms?.issuer.serialNumber).to.equal(world.issuer.serialNumber);
    world.proxies = ALL;
    await world.look(2);
    expect(world.trust.rotation).to.deep.include({ phase: 'Done', done: { anchor: '', issuer: '1', leaf: '' } });
    expect(world.store.replaced).to.deep.equal([ISSUER_SECRET, ROTATION_SECRET]);
  });

  it('has every certificate renewed that is older than the question, whatever issuer it is of', async () => {
    const world = await newWorld();
    const old = fromPem(world.leaf())[0]!;
    world.proxies = { ...ALL, leaves: 0 };
    world.wants({ leaf: '1' });
    await world.look(3);
    const terms = world.trust.current!.leafTerms!;
    expect(terms.ofIssuer).to.equal(false);
    expect(old.validFromDate.getTime()).to.be.lessThan(terms.fromMs);
    expect(fromPem(world.leaf())[0]!.validFromDate.getTime()).to.be.at.least(terms.fromMs);
    world.proxies = ALL;
    await world.look(2);
    expect(world.phase).to.equal('Done');
    expect(world.trust.current!.leafTerms, 'who comes later is asked as well').to.equal(terms);
    expect(world.store.replaced).to.deep.equal([ROTATION_SECRET]);
  });

  it('of leaves alone is there for an issuer that somebody else keeps', async () => {
    const world = await newWorld();
    const anchor = createAnchor('theirs.test', 100 * DAY_MS, world.clock.wallMs());
    world.store.secrets.set('theirs', toSecret(createIssuer(anchor, 'issuer.test', 50 * DAY_MS, world.clock.wallMs())));
    world.settings = { ...SETTINGS, issuer: { type: 'Secret', name: 'theirs' } };
    world.wants({ leaf: '1' });
    await world.look(5);
    expect(world.trust.rotation).to.deep.include({ phase: 'Done', done: { anchor: '', issuer: '', leaf: '1' } });
    expect(world.store.replaced).to.deep.equal([ROTATION_SECRET]);
  });

  it('does nothing, and says why, where its record cannot be read', async () => {
    const world = await newWorld();
    world.store.secrets.set(ROTATION_SECRET, { type: 'Opaque', data: { 'rotation.json': Buffer.from('[]') } });
    world.wants({ anchor: '1', issuer: '1' });
    await world.look(3);
    expect(world.trust.problems.map(({ message }) => message).join()).to.contain(ROTATION_SECRET);
    expect(world.store.replaced).to.deep.equal([]);
  });

  it('does nothing, and harms nothing else, under a Role of before that does not allow to read its record', async () => {
    const world = new World();
    const get = world.store.get.bind(world.store);
    world.store.get = async (name) => {
      if (name === ROTATION_SECRET)
        throw new RequestError('Forbidden', 'secrets "weft-identity-rotation" is forbidden');
      return get(name);
    };
    await world.look();
    expect(world.trust.current).not.to.equal(null);
    expect(world.trust.problems).to.deep.equal([]);
    world.wants({ anchor: '1' });
    await world.look(3);
    expect(world.trust.problems.map(({ message }) => message).join()).to.contain('is forbidden');
    expect(world.store.replaced).to.deep.equal([]);
  });
});
