import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import type { ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import {
  type CanaryRoute,
  CountedRules,
  type HeaderRoute,
  NamedRules,
  type Pass,
  pass,
  RouteClient,
  type TrafficRouter,
} from './argo-rollouts.ts';
import { SplitReconciler, type SplitRollout } from './argo-rollouts-splits.ts';
import { DeliveryWorld, type Headers, NAMESPACE, objectsOf, type Shares, sharesOf } from './delivery.ts';
import type { SeenCondition, SeenObject } from './plane.ts';

const CONTROLLER = 'linkerd.io/policy-controller';
const MANAGED = ['testers', 'beta'];
const TESTERS: HeaderRoute = { name: 'testers', match: [{ headerName: 'X-Canary', headerValue: { exact: 'yes' } }] };
const BETA: HeaderRoute = { name: 'beta', match: [{ headerName: 'X-Version', headerValue: { prefix: 'v2' } }] };
const TESTER = ['x-canary', 'yes'] as const;
const BETA_USER = ['x-version', 'v2-beta'] as const;

interface SeenParent {
  parentRef: Record<string, unknown>;
  controllerName: string;
  conditions: SeenCondition[];
}

/** What another controller has written of the same route. */
const FOREIGN: SeenParent = {
  parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
  controllerName: 'example.net/gateway-controller',
  conditions: [
    {
      type: 'Accepted',
      status: 'True',
      reason: 'Accepted',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
      observedGeneration: 1,
    },
  ],
};

const KINDS = [
  {
    kind: 'HTTPRoute',
    plural: 'httproutes',
    service: 'web',
    appProtocol: 'http',
    request: { target: '/cart?full=1' },
    rule: {},
  },
  {
    kind: 'GRPCRoute',
    plural: 'grpcroutes',
    service: 'calls',
    appProtocol: 'kubernetes.io/h2c',
    request: { target: '/shop.Calls/Get', grpc: true },
    rule: { matches: [{ method: { service: 'shop.Calls' } }] },
  },
] as const;

const parentsOf = ({ status }: CanaryRoute) => ((status ?? {}) as { parents?: SeenParent[] }).parents ?? [];

describe('Argo Rollouts moves a canary, at a real API server', function () {
  this.timeout(60_000);
  let world: DeliveryWorld;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    world = await DeliveryWorld.start();
    for (const { service, appProtocol } of KINDS) {
      for (const name of [service, `${service}-stable`, `${service}-canary`]) await world.addService(name, appProtocol);
      await world.follow(service);
    }
  });

  after(() => world?.stop());

  for (const { kind, plural, service, request, rule } of KINDS) {
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/${plural}`;
    const rollout = { stable: `${service}-stable`, canary: `${service}-canary`, managedRoutes: MANAGED };
    const own = { group: 'core', kind: 'Service', name: service, port: 80 };

    /** The route as a user writes it, for a Gateway too; the Service's entry is there, and the other controller's. */
    async function create(name: string): Promise<RouteClient> {
      const backendRefs = [rollout.stable, rollout.canary].map((each) => ({ group: 'core', name: each, port: 80 }));
      const spec = { parentRefs: [{ name: 'edge' }, own], rules: [{ ...rule, backendRefs }] };
      const body = { apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name }, spec };
      await world.cluster.create(path, body);
      const route = new RouteClient(world.cluster, `${path}/${name}`);
      await settled(route);
      const other = new RouteClient(world.cluster, `${path}/${name}/status`);
      await other.update((held) => ({ ...held, status: { parents: [FOREIGN, ...parentsOf(held)] } }) as CanaryRoute);
      return route;
    }

    /** The route once everything that Weft says of it is said of its present generation, and is good. */
    function settled(route: RouteClient): Promise<CanaryRoute> {
      return eventually('the status is of this generation', async () => {
        const held = await route.read();
        const conditions = parentsOf(held).flatMap((each) =>
          each.controllerName === CONTROLLER ? each.conditions : [],
        );
        const current = conditions.filter(({ observedGeneration: at }) => at === held.metadata.generation);
        const isDone = ({ status }: SeenCondition) => status === 'True';
        return conditions.length === 3 && current.length === 3 && current.every(isDone) ? held : null;
      });
    }

    /** One pass of the controller, what must hold after each, and the route as it is then. */
    async function run(router: TrafficRouter, route: RouteClient, wanted: Pass): Promise<CanaryRoute> {
      const before = await route.read();
      const [written, judged] = [route.writes.length, await world.judged()];
      await pass(router, wanted);
      const writes = route.writes.slice(written);
      expect((await world.judged()) - judged, 'writes that the webhook has seen').to.be.at.least(writes.length);
      for (const { sent, stored } of writes) expect(stored.status, 'after a PUT').to.deep.equal(sent.status);
      const after = await settled(route);
      await world.proxy.settled();
      const [foreign, ours, ...others] = parentsOf(after);
      expect(foreign).to.deep.equal(FOREIGN);
      expect(ours).to.deep.include({ controllerName: CONTROLLER, parentRef: own });
      expect(others).to.deep.equal([]);
      const moved = after.metadata.generation > before.metadata.generation;
      expect(moved, 'a new generation').to.equal(!isDeepStrictEqual(after.spec, before.spec));
      return after;
    }

    const decision = (...headers: Headers) => world.decision(service, { ...request, headers });

    const shared = (percents: Shares, ...headers: Headers) => world.shared(service, percents, { ...request, headers });

    const split = (weight: number) => sharesOf({ [rollout.stable]: 100 - weight, [rollout.canary]: weight });

    describe(`${kind}, by a plugin that names its rules`, () => {
      let route: RouteClient;
      let router: NamedRules;

      before(async () => {
        route = await create('named');
        router = new NamedRules(route, rollout);
      });

      after(() => world.cluster.remove(`${path}/named`));

      it('shares by the weights of every step, once the status speaks of its generation', async () => {
        await shared(split(50));
        for (const weight of [0, 20, 50, 100, 0]) {
          await run(router, route, { weight });
          await shared(split(weight));
        }
      });

      it('is not written, and tells no proxy anything, in a pass that changes nothing', async () => {
        await run(router, route, { weight: 20 });
        const [{ metadata }, batches, writes] = [await route.read(), world.proxy.batches.length, route.writes.length];
        await run(router, route, { weight: 20 });
        await world.proxy.settled();
        expect((await route.read()).metadata.resourceVersion).to.equal(metadata.resourceVersion);
        expect([world.proxy.batches.length, route.writes.length]).to.deep.equal([batches, writes]);
      });

      it('sends requests with the header of a step to the canary, at weight 0 too, and all others by weight', async () => {
        for (const weight of [0, 20, 50]) {
          const { spec } = await run(router, route, { weight, header: TESTERS });
          expect(spec.rules.map(({ name }) => name)).to.deep.equal([undefined, 'testers']);
          await shared(split(100), TESTER);
          await shared(split(weight), ['x-canary', 'no']);
          await shared(split(weight));
        }
      });

      it('tries the rules with a header first, though they stand last, and takes them away again', async () => {
        await run(router, route, { weight: 20, header: TESTERS });
        await run(router, route, { weight: 20, header: BETA });
        const key = await world.key(service);
        const names = () => world.proxy.body<ServiceDestination>(key).policy.rules.map(({ section }) => section);
        await world.proxy.until(
          () => isDeepStrictEqual(names(), ['testers', 'beta', '']),
          'rules in the order of precedence',
        );
        await shared(split(100), TESTER);
        await shared(split(100), BETA_USER);
        await run(router, route, { weight: 20, header: { name: 'testers' } });
        await shared(split(20), TESTER);
        await shared(split(20), BETA_USER);
      });

      it('is as it was before the canary when that is aborted', async () => {
        const { spec, metadata } = await run(router, route, { weight: 0 });
        await run(router, route, { weight: 50, header: TESTERS });
        const aborted = await run(router, route, { weight: 0, over: true });
        expect(aborted.spec).to.deep.equal(spec);
        expect(aborted.metadata['labels']).to.deep.equal(metadata['labels']);
        await shared(split(0));
        await shared(split(0), TESTER);
      });

      it('keeps its status when a client that has read none writes it', async () => {
        const held = await settled(route);
        await world.cluster.put(`${path}/named`, { ...held, status: { parents: null } });
        expect((await route.read()).status).to.deep.equal(held.status);
      });
    });

    describe(`${kind}, by a plugin that counts its rules`, () => {
      let route: RouteClient;
      let router: CountedRules;

      before(async () => {
        route = await create('counted');
        router = new CountedRules(route, rollout);
      });

      after(() => world.cluster.remove(`${path}/counted`));

      it('shares by the weights, and sends requests with the header of a step to the canary', async () => {
        for (const weight of [0, 20]) {
          await run(router, route, { weight });
          await shared(split(weight));
        }
        await run(router, route, { weight: 20, header: TESTERS });
        await run(router, route, { weight: 50, header: BETA });
        await shared(split(100), TESTER);
        await shared(split(100), BETA_USER);
        await shared(split(50));
        await run(router, route, { weight: 50, header: { name: 'testers' } });
        await shared(split(50), TESTER);
        await shared(split(100), BETA_USER);
        await run(router, route, { weight: 0, over: true });
        await shared(split(0), TESTER);
        await shared(split(0), BETA_USER);
      });

      // BackendRef weight: with 0, no traffic is forwarded for this entry. Such a plugin writes the weight of the canary into its header rules too.
      it('answers requests with the header of a step itself while the canary has weight 0', async () => {
        await run(router, route, { weight: 0, header: TESTERS });
        await shared({ invalid: 100 }, TESTER);
        expect(await decision(TESTER)).to.include({ status: 500, grpcStatus: 13 });
        await shared(split(0));
        await run(router, route, { weight: 0, over: true });
      });
    });
  }

  for (const version of ['v1alpha1', 'v1alpha2', 'v1alpha3'] as const) {
    describe(`TrafficSplit ${version}`, () => {
      const stable = `${version}-stable`;
      const canary = `${version}-canary`;
      const rollout = { name: version, uid: `uid-of-${version}`, stable, canary };
      const request = { target: '/cart' };
      let reconciler: SplitReconciler;

      before(async () => {
        for (const name of [version, stable, canary, `${version}-trial`]) await world.addService(name);
        for (const name of [version, stable]) await world.follow(name);
      });

      afterEach(() => world.cluster.remove(reconciler.path));

      const reconcile = (more: Partial<SplitRollout>) => {
        reconciler = new SplitReconciler(world.cluster, { ...rollout, ...more }, version);
      };

      /** One pass, and the split once its status speaks of its present generation. */
      async function run(...wanted: Parameters<SplitReconciler['setWeight']>): Promise<SeenObject> {
        const written = reconciler.patches.length;
        await reconciler.setWeight(...wanted);
        for (const { stored } of reconciler.patches.slice(written)) {
          const types = stored.status?.conditions?.map(({ type }) => type);
          expect(types, 'after a patch').to.include.members(['Accepted', 'Ready']);
        }
        return eventually('the status is of this generation', async () => {
          const held = await world.cluster.read<SeenObject>(reconciler.path);
          const { observedGeneration, conditions = [] } = held.status ?? {};
          const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
          return isReady && observedGeneration === held.metadata.generation ? held : null;
        });
      }

      it('shares by every step, and with a running experiment; a pass that changes nothing writes nothing', async () => {
        reconcile({ rootService: version });
        for (const weight of [0, 20, 50, 100, 0]) {
          await run(weight);
          await world.shared(version, sharesOf({ [stable]: 100 - weight, [canary]: weight }), request);
        }
        await run(20, { [`${version}-trial`]: 5 });
        await world.shared(version, { [canary]: 20, [`${version}-trial`]: 5, [stable]: 75 }, request);
        const [{ metadata }, patches] = [await run(20), reconciler.patches.length];
        expect((await run(20)).metadata.generation).to.equal(metadata.generation);
        expect(reconciler.patches.length).to.equal(patches);
        expect(metadata.ownerReferences?.map(({ kind }) => kind)).to.deep.equal(['Rollout']);
      });

      it('takes the stable Service for the root where none is named: its own pods are one of the backends', async () => {
        reconcile({});
        for (const weight of [0, 30, 0]) {
          await run(weight);
          await world.shared(stable, sharesOf({ [stable]: 100 - weight, [canary]: weight }), request);
        }
      });

      it('leaves the Service to its own pods when the Rollout is gone', async () => {
        reconcile({ rootService: version });
        await run(50);
        await world.cluster.remove(reconciler.path);
        await world.shared(version, { [version]: 100 }, request);
        await run(0);
      });
    });
  }

  it('takes every field of the sample, whose rollouts have the Services that they name', async () => {
    expect(await world.refusals('argo-rollouts')).to.deep.equal([]);
    const objects = objectsOf('argo-rollouts');
    const services = objects.flatMap(({ kind, metadata }) => (kind === 'Service' ? [metadata.name] : []));
    const rollouts = objects.filter(({ kind }) => kind === 'Rollout');
    expect(rollouts.map(({ metadata }) => metadata.name)).to.have.members(['store', 'shelf']);
    for (const { metadata, spec } of rollouts) {
      const { canary } = (spec as { strategy: { canary: { stableService: string; canaryService: string } } }).strategy;
      expect(services).to.include.members([metadata.name, canary.stableService, canary.canaryService]);
    }
  });
});
