import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { failureOf } from '../../../operator/runtime/errors.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { grpc, http, policyHttp, to } from '../../support/routes/world.ts';
import { Cluster, Plane, type SeenCondition, type SeenObject } from './plane.ts';

const NAMESPACE = 'shop';
const CONTROLLER = 'linkerd.io/policy-controller';
const OTHER = 'example.net/gateway-controller';
const GATEWAY_HTTP = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes';
const GATEWAY_GRPC = '/apis/gateway.networking.k8s.io/v1/namespaces/shop/grpcroutes';
const POLICY_HTTP = '/apis/policy.linkerd.io/v1beta3/namespaces/shop/httproutes';
/** Until an operator sees a kind that was installed while it ran. */
const LATER_MS = 20_000;

interface SeenParent {
  parentRef: Record<string, unknown>;
  controllerName: string;
  conditions: SeenCondition[];
}

interface SeenRoute extends SeenObject {
  spec: { parentRefs: Record<string, unknown>[]; rules: { backendRefs: { name: string; weight: number }[] }[] };
}

/** As Flagger, Argo Rollouts or kubectl create it: without what the API server fills in. */
function manifest(
  route: object,
): { metadata: { name: string; namespace: string; annotations: object } } & Record<string, unknown> {
  const { metadata, ...content } = route as { metadata: { name: string; namespace: string; annotations: object } };
  const { name, namespace, annotations } = metadata;
  return { ...content, metadata: { name, namespace, annotations } };
}

function parentsOf(route: SeenObject, controller = CONTROLLER): SeenParent[] {
  const { parents = [] } = (route.status ?? {}) as { parents?: SeenParent[] };
  return parents.filter(({ controllerName }) => controllerName === controller);
}

describe('status of routes at a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    await installGatewayApi(api);
    const flags = ['--roles', 'controllers,config,identity'];
    plane = await new Plane(api, 'op-0', { flags, timing: { absentMs: 200 } }).start();
    await plane.ready();
    await cluster.apply('namespaces', '', NAMESPACE, {});
    for (const name of ['web', 'v1']) {
      const ports = [{ name: 'http', port: 80 }];
      await cluster.apply('services', NAMESPACE, name, { spec: { selector: { app: name }, ports } });
    }
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  /** Waits until some entry of ours has the condition for the present generation. */
  function condition(path: string, name: string, type: string, status: string): Promise<SeenCondition> {
    return eventually(
      `${type}=${status} on ${name}`,
      async () => {
        const route = await cluster.read<SeenRoute>(`${path}/${name}`);
        const found = parentsOf(route).flatMap(({ conditions }) => conditions);
        const { generation } = route.metadata;
        return found.find(
          (each) => each.type === type && each.status === status && each.observedGeneration === generation,
        );
      },
      LATER_MS,
    );
  }

  /** What an update of a client comes to that tries again when the object has changed meanwhile. */
  function change(path: string, mutate: (spec: SeenRoute['spec']) => SeenRoute['spec']): Promise<unknown> {
    return eventually(`${path} is changed`, async () => {
      const held = await cluster.read<SeenRoute>(path);
      try {
        return await cluster.put(path, { ...held, spec: mutate(held.spec) });
      } catch (error) {
        if (failureOf(error) === 'Conflict') return null;
        throw error;
      }
    });
  }

  for (const [path, route] of [
    [GATEWAY_HTTP, http('gateway-http', [to('v1')])],
    [GATEWAY_GRPC, grpc('gateway-grpc', [to('v1')], { parents: [{ group: '', kind: 'Service', name: 'v1' }] })],
    [POLICY_HTTP, policyHttp('policy-http', [to('v1')])],
  ] as const) {
    const { metadata } = manifest(route);
    it(`is written for ${metadata.name}, for the parent as it is written there`, async () => {
      await cluster.create(path, manifest(route));
      await condition(path, metadata.name, 'Accepted', 'True');
      await condition(path, metadata.name, 'ResolvedRefs', 'True');
      await condition(path, metadata.name, 'weft.dev/Programmed', 'True');
      const seen = await cluster.read<SeenRoute>(`${path}/${metadata.name}`);
      expect(parentsOf(seen).map(({ parentRef }) => parentRef)).to.deep.equal(seen.spec.parentRefs);
    });
  }

  it('is not written again when nothing has changed', async () => {
    const before = await cluster.read<SeenRoute>(`${GATEWAY_HTTP}/gateway-http`);
    await cluster.create(POLICY_HTTP, manifest(policyHttp('another', [to('v1')])));
    await condition(POLICY_HTTP, 'another', 'weft.dev/Programmed', 'True');
    const after = await cluster.read<SeenRoute>(`${GATEWAY_HTTP}/gateway-http`);
    expect(after.metadata.resourceVersion).to.equal(before.metadata.resourceVersion);
  });

  it('follows a backend that goes and comes', async () => {
    await cluster.create(GATEWAY_HTTP, manifest(http('dangling', [to('later')])));
    expect((await condition(GATEWAY_HTTP, 'dangling', 'ResolvedRefs', 'False')).reason).to.equal('BackendNotFound');
    await cluster.apply('services', NAMESPACE, 'later', { spec: { ports: [{ name: 'http', port: 80 }] } });
    await condition(GATEWAY_HTTP, 'dangling', 'ResolvedRefs', 'True');
  });

  it('leaves the entry of another controller as it is, and takes its own away with the parent', async () => {
    const both = [{ name: 'edge' }, { group: '', kind: 'Service', name: 'web' }];
    await cluster.create(GATEWAY_HTTP, manifest(http('shared', [to('v1')], { parents: both })));
    await condition(GATEWAY_HTTP, 'shared', 'weft.dev/Programmed', 'True');
    const foreign = {
      parentRef: { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge' },
      controllerName: OTHER,
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
    const held = await cluster.read<SeenRoute>(`${GATEWAY_HTTP}/shared`);
    const parents = [foreign, ...parentsOf(held)];
    await cluster.put(`${GATEWAY_HTTP}/shared/status`, { ...held, status: { parents } });
    await change(`${GATEWAY_HTTP}/shared`, (spec) => ({ ...spec, parentRefs: [both[0]!] }));
    await eventually('its own entry is gone', async () => {
      return parentsOf(await cluster.read<SeenRoute>(`${GATEWAY_HTTP}/shared`)).length === 0;
    });
    const after = await cluster.read<SeenRoute>(`${GATEWAY_HTTP}/shared`);
    expect(parentsOf(after, OTHER)).to.deep.equal([foreign]);
  });

  it("satisfies Flagger's gate: every parent that is deeply equal is accepted for the generation, after each change of weights", async () => {
    const refs = [{ group: 'core', kind: 'Service', name: 'web', namespace: NAMESPACE, port: 80 }];
    await cluster.create(
      GATEWAY_HTTP,
      manifest(
        http(
          'canary',
          [
            {
              backendRefs: [
                { name: 'web', port: 80, weight: 100 },
                { name: 'v1', port: 80, weight: 0 },
              ],
            },
          ],
          { parents: refs },
        ),
      ),
    );
    for (const weight of [10, 50, 100]) {
      await change(`${GATEWAY_HTTP}/canary`, (spec) => {
        const [rule] = spec.rules;
        const [stable, canary] = rule!.backendRefs;
        const backendRefs = [
          { ...stable!, weight: 100 - weight },
          { ...canary!, weight },
        ];
        return { ...spec, rules: [{ ...rule!, backendRefs }] };
      });
      await eventually(`the gate opens at ${weight}`, async () => {
        const route = await cluster.read<SeenRoute>(`${GATEWAY_HTTP}/canary`);
        const [ref] = route.spec.parentRefs;
        const equal = parentsOf(route).filter(({ parentRef }) => JSON.stringify(parentRef) === JSON.stringify(ref));
        const accepted = equal.flatMap(({ conditions }) => conditions).filter(({ type }) => type === 'Accepted');
        return (
          accepted.length === 1 &&
          accepted[0]!.status === 'True' &&
          accepted[0]!.observedGeneration >= route.metadata.generation
        );
      });
    }
  });
});
