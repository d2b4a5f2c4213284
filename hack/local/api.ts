import {
  CoordinationV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  V1MicroTime,
  type V1Pod,
} from '@kubernetes/client-node';
import type { LocalService } from './addresses.ts';

export const NODE = 'local';
const LEASE_NAMESPACE = 'kube-node-lease';
const TOKEN_SECONDS = 24 * 3600;

/** What the embedded mode asks of the API server. */
export class LocalApi {
  readonly #core: CoreV1Api;
  readonly #coordination: CoordinationV1Api;

  constructor(kubeconfigPath: string) {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfigPath);
    this.#core = config.makeApiClient(CoreV1Api);
    this.#coordination = config.makeApiClient(CoordinationV1Api);
  }

  async createNode(): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } };
    await this.#core.createNode({ body: node }).catch(ignoreConflict);
    await this.renewLease();
  }

  /** Without a fresh lease the controller manager takes the node for dead after 40 s and evicts its pods. */
  async renewLease(): Promise<void> {
    const spec = { holderIdentity: NODE, leaseDurationSeconds: 40, renewTime: new V1MicroTime() };
    const lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NODE, namespace: LEASE_NAMESPACE },
      spec,
    };
    const created = await this.#coordination
      .createNamespacedLease({ namespace: LEASE_NAMESPACE, body: lease })
      .catch(ignoreConflict);
    if (created === null) {
      await this.#coordination.patchNamespacedLease(
        { name: NODE, namespace: LEASE_NAMESPACE, body: { spec } },
        MERGE_PATCH,
      );
    }
    const heartbeat = new Date().toISOString();
    const condition = {
      type: 'Ready',
      status: 'True',
      reason: 'EmbeddedMode',
      message: 'processes of this machine',
      lastHeartbeatTime: heartbeat,
    };
    await this.#core.patchNodeStatus({ name: NODE, body: { status: { conditions: [condition] } } }, STRATEGIC_PATCH);
  }

  async pods(): Promise<V1Pod[]> {
    return (await this.#core.listPodForAllNamespaces()).items;
  }

  async services(): Promise<LocalService[]> {
    const list = (await this.#core.listServiceForAllNamespaces()).items;
    return list
      .filter((service) => service.spec?.clusterIP !== undefined && service.spec.clusterIP !== 'None')
      .map((service) => ({
        namespace: service.metadata?.namespace ?? '',
        name: service.metadata?.name ?? '',
        clusterIP: service.spec?.clusterIP ?? '',
        ports: (service.spec?.ports ?? []).map((port) => port.port),
      }));
  }

  async bind(pod: V1Pod): Promise<void> {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    const target = { apiVersion: 'v1', kind: 'Node', name: NODE };
    await this.#core
      .createNamespacedPodBinding({ name, namespace, body: { metadata: { name, namespace }, target } })
      .catch(ignoreConflict);
  }

  async token(pod: V1Pod, audience: string): Promise<string> {
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name, uid };
    const answer = await this.#core.createNamespacedServiceAccountToken({
      name: pod.spec?.serviceAccountName ?? 'default',
      namespace,
      body: { spec: { audiences: [audience], expirationSeconds: TOKEN_SECONDS, boundObjectRef } },
    });
    return answer.status?.token ?? '';
  }

  async setStatus(pod: V1Pod, status: object): Promise<void> {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    await this.#core.patchNamespacedPodStatus({ name, namespace, body: { status } }, MERGE_PATCH).catch(ignoreMissing);
  }

  /** The last word of a node on a pod that is being deleted. */
  async remove(pod: V1Pod): Promise<void> {
    const { name = '', namespace = '' } = pod.metadata ?? {};
    await this.#core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 }).catch(ignoreMissing);
  }
}

const MERGE_PATCH = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
const STRATEGIC_PATCH = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);

function ignoreConflict(error: unknown): null {
  if ((error as { code?: number }).code === 409) return null;
  throw error;
}

function ignoreMissing(error: unknown): null {
  if ((error as { code?: number }).code === 404) return null;
  throw error;
}
