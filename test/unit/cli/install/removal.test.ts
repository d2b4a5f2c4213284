import { expect } from 'chai';
import { ApiError, type Cluster, type ClusterRequest } from '../../../../cli/cluster/cluster.ts';
import { Api } from '../../../../cli/install/api.ts';
import type { KubeObject } from '../../../../cli/install/object.ts';
import type { Steps } from '../../../../cli/install/steps.ts';
import { removeAll } from '../../../../cli/install/uninstall.ts';

const definition: KubeObject = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'servers.policy.linkerd.io', uid: 'a' },
};
const role: KubeObject = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'weft-operator', uid: 'b' },
};

/** A cluster in which an object goes `goesAfterMs` after its removal, and sooner where it is touched; null = only then. */
function clusterOf(goesAfterMs: number | null) {
  let nowMs = 0;
  const touchedMs: number[] = [];
  const isGone = () => touchedMs.length > 0 || (goesAfterMs !== null && nowMs >= goesAfterMs);
  const api: Pick<Api, 'get' | 'remove' | 'touch'> = {
    get: async (identity) => (isGone() ? null : (identity as KubeObject)),
    remove: async () => {},
    touch: async () => {
      touchedMs.push(nowMs);
    },
  };
  const steps: Steps = {
    api: api as Api,
    clock: { nowMs: () => nowMs },
    sleep: async (ms) => {
      nowMs += ms;
    },
    phase: (_text, work) => work(),
    note: () => {},
  };
  return { steps, touchedMs, nowMs: () => nowMs };
}

const removing = (object: KubeObject) => [{ text: 'objects', objects: [object] }];

describe('removing objects', () => {
  it('touches a definition that the API server has forgotten while it was going', async () => {
    const { steps, touchedMs, nowMs } = clusterOf(null);
    await removeAll(steps, removing(definition));
    expect(touchedMs).to.have.length(1);
    expect(nowMs()).to.be.within(2_000, 3_000);
  });

  it('goes on waiting where it may not touch it', async () => {
    const asked: ClusterRequest[] = [];
    const cluster: Cluster = {
      server: 'https://refusing',
      namespace: 'default',
      async request<R>(request: ClusterRequest): Promise<R> {
        asked.push(request);
        if (request.method === 'PATCH') throw new ApiError(403, 'Forbidden', 'may not patch');
        if (request.method !== 'DELETE' && steps.clock.nowMs() >= 5_000) throw new ApiError(404, 'NotFound', 'gone');
        return definition as R;
      },
    };
    const steps: Steps = { ...clusterOf(null).steps, api: new Api(cluster) };
    await removeAll(steps, removing(definition));
    const patches = asked.filter(({ method }) => method === 'PATCH');
    expect(patches).to.have.length.above(0);
    expect(patches[0]!.body).to.have.nested.property('metadata.uid', 'a');
  });

  it('leaves a definition alone that goes by itself', async () => {
    const { steps, touchedMs } = clusterOf(1_500);
    await removeAll(steps, removing(definition));
    expect(touchedMs).to.deep.equal([]);
  });

  it('only waits for everything else, and gives up', async () => {
    const { steps, touchedMs } = clusterOf(null);
    let failed: unknown;
    await removeAll(steps, removing(role)).catch((error) => {
      failed = error;
    });
    expect(failed).to.have.property('code', 'WEFT_INSTALL_TIMEOUT');
    expect(touchedMs).to.deep.equal([]);
  });
});
