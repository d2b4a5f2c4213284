import { isDeepStrictEqual } from 'node:util';
import { expect } from 'chai';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import type { ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { decideBy } from '../../support/routes/decide.ts';
import type { ProxyClient } from '../serve/proxy-client.ts';
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
import { Cluster, Plane, type SeenCondition } from './plane.ts';

const NAMESPACE = 'shop';
const CONTROLLER = 'linkerd.io/policy-controller';
const JUDGED = 'controller_runtime_webhook_requests_total{webhook="/validate",code="200"}';
/** From a write to the decisions of a proxy; the machine may be busy. */
const PROPAGATED_MS = 5_000;
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

type Headers = (readonly [name: string, value: string])[];

const parentsOf = ({ status }: CanaryRoute) => ((status ?? {}) as { parents?: SeenParent[] }).parents ?? [];

describe('Argo Rollouts moves a canary by routes, at a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;
  let proxy: ProxyClient;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    await installGatewayApi(api);
    const port = await freePort();
    const flags = ['--webhook-port', String(port), '--webhook-url', `https://127.0.0.1:${port}`];
    plane = await new Plane(api, 'op-0', { flags, timing: { absentMs: 200 } }).start();
    await plane.ready();
    await cluster.apply('namespaces', '', NAMESPACE, {});
    await cluster.apply('meshes', '', 'default', { spec: { validation: { failurePolicy: 'Fail' } } });
    for (const { service, appProtocol } of KINDS) {
      for (const name of [service, `${service}-stable`, `${service}-canary`]) {
        const ports = [{ name: 'main', port: 80, appProtocol }];
        await cluster.apply('services', NAMESPACE, name, { spec: { selector: { app: name }, ports } });
      }
    }
    await webhookJudges();
    proxy = await client();
  });

  after(async () => {
    await proxy?.close();
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** Waits until a route is refused that the definition alone would let pass. */
  async function webhookJudges(): Promise<void> {
    const headers = [{ type: 'RegularExpression', name: 'x-version', value: '(' }];
    const rules = [{ matches: [{ headers }], backendRefs: [{ name: 'web', port: 80 }] }];
    for (const { kind, plural } of KINDS) {
      const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/${plural}`;
      await eventually(`the webhook judges ${plural}`, async () => {
        const spec = { parentRefs: [{ group: '', kind: 'Service', name: 'web' }], rules };
        const body = { apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name: 'try' }, spec };
        const refusal = await cluster.create(`${path}?dryRun=All`, body).then(() => '', String);
        return refusal.includes('validator.webhooks.weft.dev');
      });
    }
  }

  /** A proxy of the namespace, told of both Services. */
  async function client(): Promise<ProxyClient> {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`;
    await cluster.create(path, { metadata: { name: 'default' } }).catch(() => {});
    const spec = { serviceAccountName: 'default', containers: [{ name: 'app', image: 'app' }] };
    await cluster.apply('pods', NAMESPACE, 'client', { spec });
    const connected = await plane.proxy(NAMESPACE, 'client');
    const keys = await Promise.all(KINDS.map(async ({ service }) => `service/${await addressOf(service)}:80`));
    connected.send({ type: 'subscribe', keys });
    await connected.until(() => keys.every((key) => connected.held.has(key)), 'both Services');
    return connected;
  }

  async function addressOf(service: string): Promise<string> {
    const { spec } = await cluster.get('services', NAMESPACE, service);
    return (spec as { clusterIP: string }).clusterIP;
  }

  for (const { kind, plural, service, request, rule } of KINDS) {
    const path = `/apis/gateway.networking.k8s.io/v1/namespaces/${NAMESPACE}/${plural}`;
    const rollout = { stable: `${service}-stable`, canary: `${service}-canary`, managedRoutes: MANAGED };
    const own = { group: 'core', kind: 'Service', name: service, port: 80 };

    /** The route as a user writes it, for a Gateway too; the Service's entry is there, and the other controller's. */
    async function create(name: string): Promise<RouteClient> {
      const backendRefs = [rollout.stable, rollout.canary].map((each) => ({ group: 'core', name: each, port: 80 }));
      const spec = { parentRefs: [{ name: 'edge' }, own], rules: [{ ...rule, backendRefs }] };
      const body = { apiVersion: 'gateway.networking.k8s.io/v1', kind, metadata: { name }, spec };
      await cluster.create(path, body);
      const route = new RouteClient(cluster, `${path}/${name}`);
      await settled(route);
      const other = new RouteClient(cluster, `${path}/${name}/status`);
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
      const [written, judged] = [route.writes.length, await plane.metric(JUDGED)];
      await pass(router, wanted);
      const writes = route.writes.slice(written);
      expect((await plane.metric(JUDGED)) - judged, 'writes that the webhook has seen').to.be.at.least(writes.length);
      for (const { sent, stored } of writes) expect(stored.status, 'after a PUT').to.deep.equal(sent.status);
      const after = await settled(route);
      await proxy.settled();
      const [foreign, ours, ...others] = parentsOf(after);
      expect(foreign).to.deep.equal(FOREIGN);
      expect(ours).to.deep.include({ controllerName: CONTROLLER, parentRef: own });
      expect(others).to.deep.equal([]);
      const moved = after.metadata.generation > before.metadata.generation;
      expect(moved, 'a new generation').to.equal(!isDeepStrictEqual(after.spec, before.spec));
      return after;
    }

    async function decision(...headers: Headers) {
      const ip = await addressOf(service);
      const { version, body } = proxy.held.get(`service/${ip}:80`)!;
      const asked = { ...request, headers };
      return decideBy({ version, body: body as ServiceDestination }, { ip, port: 80 }, asked).outcome;
    }

    /** Waits until the proxy gives requests with such headers to the two Services in these shares. */
    async function shared(percents: Record<string, number>, ...headers: Headers): Promise<void> {
      const shares = async () => (await decision(...headers)).shares;
      const equal = async () => isDeepStrictEqual(await shares(), percents);
      await eventually('the shares', equal, PROPAGATED_MS).catch(async () => {
        expect(await shares()).to.deep.equal(percents);
      });
    }

    const split = (weight: number) =>
      Object.fromEntries(
        Object.entries({ [rollout.stable]: 100 - weight, [rollout.canary]: weight }).filter(([, share]) => share > 0),
      );

    describe(`${kind}, by a plugin that names its rules`, () => {
      let route: RouteClient;
      let router: NamedRules;

      before(async () => {
        route = await create('named');
        router = new NamedRules(route, rollout);
      });

      after(() => cluster.remove(`${path}/named`));

      it('shares by the weights of every step, once the status speaks of its generation', async () => {
        await shared(split(50));
        for (const weight of [0, 20, 50, 100, 0]) {
          await run(router, route, { weight });
          await shared(split(weight));
        }
      });

      it('is not written, and tells no proxy anything, in a pass that changes nothing', async () => {
        await run(router, route, { weight: 20 });
        const [{ metadata }, batches, writes] = [await route.read(), proxy.batches.length, route.writes.length];
        await run(router, route, { weight: 20 });
        await proxy.settled();
        expect((await route.read()).metadata.resourceVersion).to.equal(metadata.resourceVersion);
        expect([proxy.batches.length, route.writes.length]).to.deep.equal([batches, writes]);
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
        const key = `service/${await addressOf(service)}:80`;
        const names = () => proxy.body<ServiceDestination>(key).policy.rules.map(({ section }) => section);
        await proxy.until(
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
        await cluster.put(`${path}/named`, { ...held, status: { parents: null } });
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

      after(() => cluster.remove(`${path}/counted`));

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
});
