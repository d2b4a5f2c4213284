import { expect } from 'chai';
import fc from 'fast-check';
import { formatRef, parseRef } from '../../../crds/state/object-ref.ts';
import { merged } from '../../../operator/status/merge.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { pod, profile, route, service, split, webCluster } from '../../support/models.ts';
import { FakeReplica, type Manner } from '../../support/replica-world.ts';

const REPLICAS = 3;
const PODS = ['p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'p8'];
const KEYS = ['service/10.0.0.1:80', 'service/10.0.0.2:80'];
/** Longer than a report waits for more. */
const REPORTED_MS = 1_000;

const manner = fc.constantFrom<Manner>('acknowledges', 'acknowledges', 'keeps silent', 'refuses');
const where = fc.nat({ max: REPLICAS - 1 });
const event = fc.oneof(
  fc.record({
    type: fc.constant('connects' as const),
    pod: fc.constantFrom(...PODS),
    where,
    manner,
    keys: fc.subarray(KEYS),
  }),
  fc.record({ type: fc.constant('leaves' as const), pod: fc.constantFrom(...PODS) }),
  fc.record({ type: fc.constant('profile' as const), of: fc.constantFrom('web', 'db'), routes: fc.nat({ max: 3 }) }),
  fc.record({ type: fc.constant('split' as const), weight: fc.nat({ max: 3 }) }),
  fc.record({ type: fc.constant('time' as const), ms: fc.nat({ max: 3_000 }) }),
);
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

/** The same proxies with several replicas, and all of them with one. */
class World {
  readonly clock = new FakeClock({ nowMs: 1_000 });
  readonly cluster = webCluster();
  readonly alone = new FakeReplica('alone', this.cluster, this.clock);
  readonly replicas = Array.from({ length: REPLICAS }, (_, i) => new FakeReplica(`r${i}`, this.cluster, this.clock));
  readonly #home = new Map<string, FakeReplica>();

  constructor() {
    this.cluster.apply('Service', service('db', '10.0.0.2'));
    for (const [i, name] of PODS.entries()) this.cluster.apply('Pod', pod(name, `10.1.9.${i}`));
  }

  async happen(this: World, event: Event): Promise<void> {
    if (event.type === 'connects') this.#connect(event.pod, event.where, event.manner, event.keys);
    else if (event.type === 'leaves') this.#leave(event.pod);
    else if (event.type === 'time') await this.clock.advance(event.ms);
    else if (event.type === 'split')
      this.#change(this.cluster.apply('TrafficSplit', split('s', 'web', { web: event.weight })));
    else {
      const routes = Array.from({ length: event.routes }, (_, i) => route(`r${i}`));
      this.#change(this.cluster.apply('ServiceProfile', profile(event.of, { routes })));
    }
    await this.clock.advance(0);
  }

  #change(reads: ReadonlySet<string>): void {
    for (const { distribution } of [this.alone, ...this.replicas]) distribution.invalidate(reads);
  }

  #connect(name: string, at: number, how: Manner, keys: readonly string[]): void {
    this.#leave(name);
    const replica = this.replicas[at]!;
    this.#home.set(name, replica);
    for (const each of [this.alone, replica]) each.connect(name, how, keys);
  }

  #leave(name: string): void {
    this.alone.disconnect(name);
    this.#home.get(name)?.disconnect(name);
    this.#home.delete(name);
  }

  end(): void {
    for (const each of [this.alone, ...this.replicas]) each.end();
  }
}

describe('proxies of several replicas', function () {
  this.timeout(60_000);

  it('are together what one replica with all of them would say, of every object, however they come and go', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 40 }), async (events) => {
        const world = new World();
        for (const each of events) await world.happen(each);
        await world.clock.advance(REPORTED_MS);
        const { alone, replicas } = world;
        const objects = new Set([...alone.facts.objects(), ...replicas.flatMap(({ part }) => [...part.objects])]);
        for (const object of objects) {
          const parts = replicas.map(({ part }) => part.programmed(parseRef(object)));
          expect(merged(parts), object).to.deep.equal(alone.facts.programmed(parseRef(object)));
          expect(alone.part.programmed(parseRef(object)), `${object} of one`).to.deep.equal(merged(parts));
        }
        const counts = replicas.map(({ part }) => part.connections.connected);
        expect(counts.reduce((sum, each) => sum + each)).to.equal(alone.facts.connections().connected);
        world.end();
      }),
      { numRuns: Number(process.env['REPLICAS_RUNS'] ?? 40) },
    );
  });

  it('… where there is something to say of them', async () => {
    const world = new World();
    await world.happen({ type: 'profile', of: 'web', routes: 2 });
    const manners: Manner[] = ['acknowledges', 'keeps silent', 'refuses', 'acknowledges'];
    for (const [i, how] of manners.entries()) {
      await world.happen({ type: 'connects', pod: PODS[i]!, where: i % REPLICAS, manner: how, keys: KEYS });
    }
    await world.clock.advance(REPORTED_MS);
    const object = [...world.alone.facts.objects()].find((text) => text.includes('ServiceProfile'))!;
    const all = merged(world.replicas.map(({ part }) => part.programmed(parseRef(object))));
    expect(formatRef(parseRef(object))).to.equal(object);
    expect(all).to.deep.include({ proxies: 4, current: 2, behind: ['app/p2', 'app/p3'] });
    expect(all.rejections.map(({ proxy }) => proxy)).to.deep.equal(['app/p3']);
    world.end();
  });

  it('are told of only where something is another thing than before', async () => {
    const world = new World();
    await world.happen({ type: 'profile', of: 'web', routes: 2 });
    for (const name of PODS) {
      await world.happen({ type: 'connects', pod: name, where: 0, manner: 'acknowledges', keys: KEYS });
    }
    await world.clock.advance(REPORTED_MS);
    const [first] = world.replicas;
    const objects = () => first!.changes.flatMap((change) => change.objects).length;
    const [changes, said] = [first!.changes.length, objects()];
    await world.clock.advance(60_000);
    expect(objects(), 'nothing but beats').to.equal(said);
    expect(first!.changes.length - changes).to.equal(30);
    await world.happen({ type: 'profile', of: 'web', routes: 3 });
    await world.clock.advance(REPORTED_MS);
    expect(objects() - said).to.be.within(0, 2);
    world.end();
  });
});
