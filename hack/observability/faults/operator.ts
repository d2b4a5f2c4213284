/** An operator that is away, does not lead, may not do what it has to, or takes its API server for dead. */
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { execApp, kubectl, rollout } from '../../demo/kubectl.ts';
import { POLL } from '../world.ts';
import {
  create,
  type Fault,
  injectedPod,
  nothing,
  OPERATOR,
  operatorIsReady,
  patchMesh,
  Rights,
  setOperator,
} from './fault.ts';

const LEASE_SECONDS = 25;
/** Renewed after 42 s, and 15 % of it are left after 51. */
const SHORT_LIFE = '60s';

async function scaleOperator(replicas: number): Promise<void> {
  await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'scale', OPERATOR, `--replicas=${replicas}`]);
  if (replicas > 0) await operatorIsReady();
}

/** Certificates live a minute, so that they run out while nobody renews them; one pod begins without. */
export const noOperator: Fault = {
  title: 'no operator for a while, and certificates that live a minute',
  alerts: [
    'WeftOperatorDown',
    'WeftProxyStale',
    'WeftPassedThroughUnseen',
    'WeftProxyCertificateExpiring',
    'WeftProxyWithoutCertificate',
  ],
  async make() {
    await patchMesh({ certificateLifetime: SHORT_LIFE });
    await kubectl(['-n', POLL, 'rollout', 'restart', 'deploy/caller']);
    await rollout(POLL, 'deploy/caller');
    const late = await injectedPod('late');
    await scaleOperator(0);
    await create(late);
    await execApp('deploy/voters', ['get', `http://unseen.${POLL}.svc.cluster.local/item`], POLL);
  },
  async mend() {
    await patchMesh({});
    await scaleOperator(1);
    await kubectl(['-n', POLL, 'delete', 'pod', 'late', '--wait=false']);
    await kubectl(['-n', POLL, 'rollout', 'restart', 'deploy/caller']);
    await rollout(POLL, 'deploy/caller');
  },
};

const DEFINITION = 'customresourcedefinition/trafficsplits.split.smi-spec.io';
const VERSIONS = [0, 1, 2, 3];

function patchDefinition(op: 'add' | 'remove'): Promise<unknown> {
  const patch = VERSIONS.map((index) => ({
    op,
    path: `/spec/versions/${index}/subresources`,
    ...(op === 'add' ? { value: { status: {} } } : {}),
  }));
  return kubectl(['patch', DEFINITION, '--type=json', '-p', JSON.stringify(patch)]);
}

/** Looked at once a minute, and when a replica begins to lead. */
export const definitions: Fault = {
  title: 'a definition without a status subresource, as those of linkerd-smi are',
  alerts: ['WeftDefinitionsIncomplete'],
  async make() {
    await patchDefinition('remove');
  },
  async mend() {
    await patchDefinition('add');
  },
};

export const stolenLease: Fault = {
  title: 'a lease that somebody else holds',
  alerts: ['WeftNoLeader'],
  async make() {
    const spec = {
      holderIdentity: 'nobody',
      leaseDurationSeconds: LEASE_SECONDS,
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    };
    const lease = ['lease/weft-operator', '--type=merge', '-p', JSON.stringify({ spec })];
    await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'patch', ...lease]);
  },
  mend: nothing,
};

const STATUSES = new Rights(['clusterrole', 'weft-operator'], ({ resources = [] }) =>
  resources.some((name) => name.endsWith('/status')),
);

export const noStatus: Fault = {
  title: 'an operator that may write no status',
  alerts: ['WeftReconcileFailing'],
  async make() {
    await STATUSES.take();
    // Something to write a status of.
    const limit = JSON.stringify({ spec: { total: { requestsPerSecond: 1_000 } } });
    await kubectl(['-n', POLL, 'patch', 'httplocalratelimitpolicy', 'web', '--type=merge', '-p', limit]);
  },
  async mend() {
    await STATUSES.giveBack();
  },
};

/** The new replica does not become ready, so the old one stays. */
export const impatient: Fault = {
  title: 'an operator that takes a second of silence for an API server that is away',
  alerts: ['WeftStoreStale'],
  async make() {
    await setOperator('WEFT_OPERATOR_STALE_AFTER_MS=1000');
  },
  async mend() {
    await setOperator('WEFT_OPERATOR_STALE_AFTER_MS-');
    await operatorIsReady();
  },
};
