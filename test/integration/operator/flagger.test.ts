import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { failureOf } from '../../../operator/runtime/errors.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { DeliveryWorld, keeps, NAMESPACE, objectsOf, type Shares, sharesOf } from './delivery.ts';
import {
  type Canary,
  type MeshRouter,
  parentsOf,
  pass,
  RouteRouter,
  Services,
  SplitRouter,
  type Weights,
} from './flagger.ts';
import type { SeenCondition, SeenObject } from './plane.ts';

const PORT = 80;
const REQUEST = { target: '/cart' };
/** `stepWeight: 10`, `maxWeight: 50`. */
const STEPS = [10, 20, 30, 40, 50].map((canary): Weights => ({ primary: 100 - canary, canary }));
const BACK: Weights = { primary: 100, canary: 0 };

type Router = SplitRouter | RouteRouter;

/** The values of `-mesh-provider`, and of `spec.provider`. */
const PROVIDERS: Record<string, (world: DeliveryWorld, canary: Canary) => Router> = {
  linkerd: ({ cluster }, canary) => new SplitRouter(cluster, canary, 'v1alpha1'),
  'smi:v1alpha2:linkerd': ({ cluster }, canary) => new SplitRouter(cluster, canary, 'v1alpha2'),
  'smi:v1alpha3:linkerd': ({ cluster }, canary) => new SplitRouter(cluster, canary, 'v1alpha3'),
  'gatewayapi:v1': ({ cluster }, canary) => new RouteRouter(cluster, canary, 'v1'),
  'gatewayapi:v1beta1': ({ cluster }, canary) => new RouteRouter(cluster, canary, 'v1beta1'),
};

const canaryOf = (name: string): Canary => ({ name, uid: `uid-of-${name}`, port: PORT });

describe('Flagger moves a canary, at a real API server', function () {
  this.timeout(60_000);
  let world: DeliveryWorld;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    world = await DeliveryWorld.start();
  });

  after(() => world?.stop());

  /** One Canary and everything that Flagger does for it. */
  class Delivery {
    readonly canary: Canary;
    readonly services: Services;
    readonly router: Router;

    constructor(provider: string, canary: Canary) {
      this.canary = canary;
      this.services = new Services(world.cluster, canary);
      this.router = PROVIDERS[provider]!(world, canary);
    }

    /** The first pass, on a Service that a user has written and that has been called. */
    async begin(): Promise<void> {
      await world.addService(this.canary.name);
      for (const role of ['primary', 'canary']) await world.addEndpoint(`${this.canary.name}-${role}`);
      await world.follow(this.canary.name);
      await this.pass();
    }

    /** A pass, and what must hold after each; the object as it is then. */
    async pass(step?: Weights): Promise<SeenObject> {
      const { writes } = this.router.client;
      const [written, judged] = [writes.length, await world.judged()];
      await this.#untilWritten(step);
      const made = writes.slice(written);
      expect((await world.judged()) - judged, 'writes that the webhook has seen').to.be.at.least(made.length);
      for (const { before, sent, stored } of made) {
        expect(stored.status, 'after a PUT').to.deep.equal(before.status);
        expect(keeps(stored['spec'], sent['spec']), `${JSON.stringify(sent)} is stored as it was written`).to.equal(
          true,
        );
      }
      const after = await this.settled();
      expect(after.metadata.ownerReferences?.map(({ kind }) => kind)).to.deep.equal(['Canary']);
      return after;
    }

    /** Where the operator writes a status between Flagger's GET and its PUT, Flagger comes again. */
    async #untilWritten(step: Weights | undefined): Promise<void> {
      await eventually('a pass that nobody came in between', async () => {
        try {
          await pass(this.services, this.router as MeshRouter, step);
          return true;
        } catch (error) {
          if (failureOf(error) !== 'Conflict') throw error;
          return false;
        }
      });
    }

    /** The object once the status speaks of its present generation, and is good. What proxies have of it comes later. */
    settled(): Promise<SeenObject> {
      return eventually('the status is of this generation', async () => {
        const held = await world.cluster.read<SeenObject>(this.router.client.path);
        const current = conditionsOf(held).filter(({ type, status, observedGeneration }) => {
          const isGood = (type === 'Ready' || type === 'Accepted') && status === 'True';
          return isGood && observedGeneration === held.metadata.generation;
        });
        return current.length > 0 ? held : null;
      });
    }

    shared({ primary, canary }: Weights, ...headers: [string, string][]): Promise<void> {
      const { name } = this.canary;
      return this.given(sharesOf({ [`${name}-primary`]: primary, [`${name}-canary`]: canary }), ...headers);
    }

    given(shares: Shares, ...headers: [string, string][]): Promise<void> {
      return world.shared(this.canary.name, shares, { ...REQUEST, headers });
    }
  }

  /** Of a split its own, of a route those of the parent. */
  function conditionsOf(held: SeenObject): SeenCondition[] {
    return held.status?.conditions ?? (parentsOf(held).flatMap(({ conditions }) => conditions) as SeenCondition[]);
  }

  for (const [index, provider] of Object.keys(PROVIDERS).entries()) {
    describe(`provider ${provider}`, () => {
      let delivery: Delivery;

      before(async () => {
        delivery = new Delivery(provider, canaryOf(`app-${index}`));
        await delivery.begin();
      });

      it('begins with everything at the primary; passes without a step write nothing', async () => {
        await delivery.shared(BACK);
        const { metadata } = await delivery.settled();
        await delivery.pass();
        await delivery.pass();
        expect(delivery.router.client.writes).to.deep.equal([]);
        expect((await delivery.settled()).metadata.generation).to.equal(metadata.generation);
      });

      it('shares by the weights of every step, and is promoted', async () => {
        for (const step of [...STEPS, BACK]) {
          await delivery.pass(step);
          expect(await delivery.router.getRoutes()).to.deep.include(step);
          await delivery.shared(step);
        }
      });

      it('goes back to the primary at once when the analysis fails, and in steps by stepWeightPromotion', async () => {
        await delivery.pass(STEPS[1]);
        await delivery.shared(STEPS[1]!);
        for (const step of [{ primary: 90, canary: 10 }, BACK]) {
          await delivery.pass(step);
          await delivery.shared(step);
        }
        await delivery.pass(STEPS[4]);
        await delivery.pass(BACK);
        await delivery.shared(BACK);
      });

      it('a write of a version that is no longer the present one changes nothing, and the next pass succeeds', async () => {
        const read = await world.cluster.read<SeenObject>(delivery.router.client.path);
        await delivery.pass(STEPS[0]);
        const failure = await world.cluster.put(delivery.router.client.path, read).then(() => '', failureOf);
        expect(failure).to.equal('Conflict');
        await delivery.shared(STEPS[0]!);
        await delivery.pass(STEPS[1]);
        await delivery.shared(STEPS[1]!);
        await delivery.pass(BACK);
      });

      it('has its requests back when its Canary goes, with everything that the Canary owns', async () => {
        const { name } = delivery.canary;
        await delivery.pass(STEPS[2]);
        await delivery.services.finalize();
        await delivery.shared(STEPS[2]!);
        await world.cluster.remove(delivery.router.client.path);
        await delivery.given({ [name]: 100 });
        for (const service of [`${name}-canary`, `${name}-primary`]) {
          await world.cluster.delete('services', NAMESPACE, service);
        }
        await delivery.given({ [name]: 100 });
      });
    });
  }

  it('a split names its Service by the first host of the Canary', async () => {
    const host = `hosted.${NAMESPACE}.svc.cluster.local`;
    const delivery = new Delivery('linkerd', { ...canaryOf('hosted'), hosts: [host, 'example.net'] });
    await delivery.begin();
    await delivery.pass(STEPS[1]);
    await delivery.shared(STEPS[1]!);
  });

  it('an A/B test sends testers to the canary, and nobody else', async () => {
    const testers = [
      { name: 'x-canary', type: 'Exact' as const, value: 'insider' },
      { name: 'cookie', type: 'RegularExpression' as const, value: '^(.*?;)?(canary=always)(;.*)?$' },
    ];
    const delivery = new Delivery('gatewayapi:v1', { ...canaryOf('tested'), testers });
    await delivery.begin();
    await delivery.shared(BACK, ['x-canary', 'insider']);
    await delivery.pass({ primary: 0, canary: 100 });
    await delivery.shared({ primary: 0, canary: 100 }, ['x-canary', 'insider']);
    await delivery.shared({ primary: 0, canary: 100 }, ['cookie', 'a=b;canary=always']);
    await delivery.shared(BACK, ['x-canary', 'outsider']);
    await delivery.shared(BACK);
    await delivery.pass();
    await delivery.pass(BACK);
    await delivery.shared(BACK, ['x-canary', 'insider']);
  });

  it('session affinity gives a cookie to whom the canary answers, and keeps those who have it', async () => {
    const delivery = new Delivery('gatewayapi:v1', { ...canaryOf('affine'), cookieName: 'flagger-cookie' });
    const mine = ['cookie', 'a=b; flagger-cookie=ItsTheSame'] as [string, string];
    const told = async (...headers: [string, string][]) => {
      const { responseHeaders } = await world.decision('affine', { ...REQUEST, headers });
      return responseHeaders.get('set-cookie') ?? [];
    };
    await delivery.begin();
    await delivery.pass(STEPS[1]);
    await delivery.shared(STEPS[1]!);
    expect(await told()).to.deep.equal(['flagger-cookie=ItsTheSame; Max-Age=86400']);
    await delivery.shared({ primary: 0, canary: 100 }, mine);
    expect(await told(mine)).to.deep.equal([]);
    await delivery.pass();
    await delivery.pass(BACK);
    await delivery.shared(BACK, mine);
    expect(await told(mine)).to.deep.equal(['flagger-cookie=ItsTheSame; Max-Age=-1']);
    expect(await told()).to.deep.equal([]);
  });

  it('a mirrored canary sees every request and answers none', async () => {
    const delivery = new Delivery('gatewayapi:v1', { ...canaryOf('mirrored'), mirror: true });
    const mirrors = async () => (await world.decision('mirrored', REQUEST)).mirrors;
    await delivery.begin();
    await delivery.pass({ ...BACK, mirrored: true });
    expect(await delivery.router.getRoutes()).to.deep.include({ mirrored: true });
    await eventually('the mirror', async () => isDeepStrictEqual(await mirrors(), { 'mirrored-canary': 100 }));
    await delivery.shared(BACK);
    await delivery.pass({ primary: 0, canary: 100 });
    await delivery.shared({ primary: 0, canary: 100 });
    expect(await mirrors()).to.deep.equal({});
  });

  it('takes every field of the sample, whose canaries have their Deployment and their Service', async () => {
    expect(await world.refusals('flagger')).to.deep.equal([]);
    const objects = objectsOf('flagger');
    const named = (kind: string) => objects.flatMap((each) => (each.kind === kind ? [each.metadata.name] : []));
    expect(named('Canary')).to.have.members(['cart', 'offers']);
    for (const kind of ['Deployment', 'Service']) expect(named(kind)).to.include.members(named('Canary'));
  });
});
