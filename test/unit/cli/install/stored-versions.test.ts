import { expect } from 'chai';
import { ApiError, type Cluster, type ClusterRequest } from '../../../../cli/cluster/cluster.ts';
import { Api } from '../../../../cli/install/api.ts';
import type { KubeObject } from '../../../../cli/install/object.ts';
import type { Steps } from '../../../../cli/install/steps.ts';
import { refuseDropped, storeAnew } from '../../../../cli/install/stored-versions.ts';

const NAME = 'servers.policy.linkerd.io';
const CRD = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${NAME}`;
const SERVERS = '/apis/policy.linkerd.io/v1beta3';

function definition(storedVersions?: string[], ...others: string[]): KubeObject {
  const versions = ['v1beta1', 'v1beta3', ...others].map((name) => ({
    name,
    served: true,
    storage: name === 'v1beta3',
  }));
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: NAME },
    spec: { group: 'policy.linkerd.io', names: { plural: 'servers' }, versions },
    ...(storedVersions === undefined ? {} : { status: { storedVersions } }),
  };
}

const server = (name: string) => ({
  apiVersion: 'policy.linkerd.io/v1beta3',
  kind: 'Server',
  metadata: { name, namespace: 'shop', resourceVersion: '7' },
  spec: { port: 80 },
});

/** A cluster with this definition and three Servers, of which some answer with an error when they are written. */
function clusterOf(present: KubeObject, failing: Readonly<Record<string, number>> = {}) {
  const written: ClusterRequest[] = [];
  const cluster: Cluster = {
    server: 'https://cluster',
    namespace: 'default',
    async request<R>(request: ClusterRequest): Promise<R> {
      const { method = 'GET', path } = request;
      if (method === 'GET' && path === CRD) return present as R;
      if (method === 'GET' && path === `${SERVERS}/servers`) return { items: ['a', 'b', 'c'].map(server) } as R;
      written.push(request);
      const status = failing[path.slice(path.lastIndexOf('/') + 1)];
      if (status !== undefined) throw new ApiError(status, '', 'refused');
      return {} as R;
    },
  };
  const steps: Steps = {
    api: new Api(cluster),
    clock: { nowMs: () => 0 },
    sleep: async () => {},
    phase: (_text, work) => work(),
    note: () => {},
  };
  return { steps, written };
}

describe('versions in which objects may be stored', () => {
  it('are no obstacle to a definition that has all of them, nor to one that is new', () => {
    refuseDropped([definition()], [definition(['v1beta1', 'v1beta3'])]);
    refuseDropped([definition()], []);
  });

  it('refuse a definition without one of them, by name', () => {
    expect(() => refuseDropped([definition()], [definition(['v1beta3', 'v1gamma'], 'v1gamma')]))
      .to.throw(`${NAME} may have objects stored as v1gamma`)
      .with.property('code', 'WEFT_INSTALL_STORED_VERSION');
  });

  it('are cleared: every object is written as it is, in the version of now, and then the list', async () => {
    const { steps, written } = clusterOf(definition(['v1beta1', 'v1beta3']));
    const lines = await storeAnew(steps, [definition()]);
    expect(lines).to.deep.equal([`customresourcedefinition/${NAME}: 3 objects, none stored as v1beta1`]);
    const puts = ['a', 'b', 'c'].map((name) => `PUT ${SERVERS}/namespaces/shop/servers/${name}`);
    expect(written.map(({ method, path }) => `${method} ${path}`)).to.deep.equal([...puts, `PATCH ${CRD}/status`]);
    expect(written[0]!.body).to.deep.equal(server('a'));
    expect(written.at(-1)!.body).to.deep.equal({ status: { storedVersions: ['v1beta3'] } });
  });

  it('are cleared though an object was changed or removed in the meantime: nothing of it is stored as before', async () => {
    const { steps, written } = clusterOf(definition(['v1beta1']), { a: 409, b: 404 });
    await storeAnew(steps, [definition()]);
    expect(written.at(-1)!.path).to.equal(`${CRD}/status`);
  });

  it('stay on the list where an object cannot be written', async () => {
    const { steps, written } = clusterOf(definition(['v1beta1', 'v1beta3']), { b: 422 });
    const error = await storeAnew(steps, [definition()]).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ApiError);
    expect(written.map(({ method }) => method)).to.deep.equal(['PUT', 'PUT']);
  });

  it('are left alone where only that of now is on the list', async () => {
    const { steps, written } = clusterOf(definition(['v1beta3']));
    expect(await storeAnew(steps, [definition()])).to.deep.equal([]);
    expect(written).to.deep.equal([]);
  });
});
