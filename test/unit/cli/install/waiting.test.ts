import { expect } from 'chai';
import { ApiError, type Cluster, type ClusterRequest } from '../../../../cli/cluster/cluster.ts';
import { Api } from '../../../../cli/install/api.ts';
import { applyInstallation } from '../../../../cli/install/apply.ts';
import type { KubeObject } from '../../../../cli/install/object.ts';
import { installation } from '../../../../cli/install/objects.ts';
import { SOURCES } from '../../../../cli/install/sources.ts';
import type { Steps } from '../../../../cli/install/steps.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1';
const OPERATOR = '/apis/apps/v1/namespaces/weft-system/deployments/weft-operator';

/** Keeps what is applied; definitions are established at once. */
class MemoryCluster implements Cluster {
  readonly server = 'https://memory';
  readonly namespace = 'default';
  readonly objects = new Map<string, object>();

  async request<R>({ method = 'GET', path, body }: ClusterRequest): Promise<R> {
    if (method === 'PATCH') this.objects.set(path, { ...(body as KubeObject), ...this.#statusOf(path) });
    if (path === DEFINITIONS) return { items: [] } as R;
    const object = this.objects.get(path);
    if (object === undefined) throw new ApiError(404, 'NotFound', path);
    return object as R;
  }

  #statusOf(path: string): object {
    const isDefinition = path.startsWith(DEFINITIONS);
    return isDefinition ? { status: { conditions: [{ type: 'Established', status: 'True' }] } } : {};
  }
}

describe('applying an installation', () => {
  const cluster = new MemoryCluster();
  let said: string[] = [];
  let nowMs = 0;
  let passing: () => void = () => {};
  const steps: Steps = {
    api: new Api(cluster),
    clock: { nowMs: () => nowMs },
    sleep: async (ms) => {
      nowMs += ms;
      passing();
    },
    phase: async (text, work) => {
      const result = await work();
      said.push(text);
      return result;
    },
    note: (line) => said.push(line),
  };
  const apply = (wait: boolean) =>
    applyInstallation(steps, installation(SOURCES, {}), {
      force: false,
      upgradeDefinitions: false,
      dryRun: false,
      wait,
    });

  beforeEach(() => {
    cluster.objects.clear();
    said = [];
    nowMs = 0;
    passing = () => {};
  });

  const ready = () => {
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    cluster.objects.set(OPERATOR, { ...cluster.objects.get(OPERATOR), status });
  };
  const register = () => {
    for (const name of [
      'mutatingwebhookconfigurations/weft-injector',
      'validatingwebhookconfigurations/weft-validator',
    ])
      cluster.objects.set(`${WEBHOOKS}/${name}`, {});
  };

  it('says each step when it is done, and ends when the operator runs and its webhooks are there', async () => {
    passing = () => {
      if (nowMs >= 3_000) ready();
      if (nowMs >= 6_000) register();
    };
    expect(await apply(true)).to.have.length(28);
    expect(said).to.deep.equal([
      'custom resource definitions: 11',
      'control plane: 17 objects',
      'operator is ready',
      'webhooks are registered',
    ]);
    expect(nowMs).to.be.within(6_000, 6_300);
  });

  it('names what is not there in time, and keeps what is applied', async () => {
    const late = await apply(true).catch((error: unknown) => error);
    expect(late).to.include({ code: 'WEFT_INSTALL_TIMEOUT' });
    expect(String(late)).to.contain('deployment/weft-operator in weft-system is not rolled out after 180 s');
    expect(cluster.objects.has(OPERATOR)).to.equal(true);
  });

  it('waits for nothing when it is told not to', async () => {
    await apply(false);
    expect(said).to.deep.equal(['custom resource definitions: 11', 'control plane: 17 objects']);
    expect(nowMs).to.equal(0);
  });
});
