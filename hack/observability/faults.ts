/** Faults that are made in the cluster and mended again, and the alerts that tell of them. All of them are the local cluster's: proxies are processes of this machine. */
import type { V1Pod } from '@kubernetes/client-node';
import { CONTROL_PLANE_NAMESPACE } from '../../proxy-image/contract/names.ts';
import { applyText, execApp, getJson, kubectl, rollout } from '../demo/kubectl.ts';
import { processesOf } from '../demo/processes.ts';
import { sleep, until } from '../demo/shell.ts';
import { POLL, podsOf } from './world.ts';

export interface Fault {
  title: string;
  alerts: readonly string[];
  make(): Promise<void>;
  mend(): Promise<void>;
}

const STOPPED_MS = 8_000;
const RESTART_MS = 90_000;
const KILLS = 3;
const OPERATOR = 'deploy/weft-operator';
const LEASE_SECONDS = 25;
/** Renewed after 42 s, and 15 % of it are left after 51. */
const SHORT_LIFE = '60s';

function pidsOf(pod: V1Pod): number[] {
  const { uid = '', name = '' } = pod.metadata ?? {};
  return processesOf({ metadata: { uid, name } }, '/proxy.js');
}

const nothing = async (): Promise<void> => {};

/** What a proxy waits for meanwhile has a deadline, so that it looks at its own lag; and a change is on its way to it. */
const stoppedProxy: Fault = {
  title: 'a proxy that is stopped for eight seconds',
  alerts: ['WeftProxyDown', 'WeftProxyBusy', 'WeftPropagationSlow'],
  async make() {
    const [pod] = await podsOf('caller');
    const pids = pidsOf(pod!);
    const slow = execApp('deploy/caller', ['get', `http://echo-slow.${POLL}.svc.cluster.local/slow?ms=12000`], POLL);
    await sleep(500);
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    await kubectl(['-n', POLL, 'annotate', 'service', 'echo', 'retry.linkerd.io/limit=2', '--overwrite']);
    await sleep(STOPPED_MS);
    for (const pid of pids) process.kill(pid, 'SIGCONT');
    await slow.catch(nothing);
  },
  mend: nothing,
};

const killedProxy: Fault = {
  title: 'a proxy that is killed three times',
  alerts: ['WeftProxyRestarting'],
  async make() {
    const [pod] = await podsOf('patterns');
    for (let kill = 0; kill < KILLS; kill++) {
      const pids = await until('the proxy runs', RESTART_MS, async () => {
        try {
          return pidsOf(pod!);
        } catch {
          return null; // between two lives
        }
      });
      // It has to be seen alive.
      await sleep(3_000);
      for (const pid of pids.value) process.kill(pid, 'SIGKILL');
      await sleep(1_000);
    }
  },
  mend: nothing,
};

const hostNetwork: Fault = {
  title: 'a pod on the host network that asks for a proxy',
  alerts: ['WeftInjectionSkipped'],
  async make() {
    const container = { name: 'app', image: 'localhost/weft-demo:dev', args: ['get', 'http://127.0.0.1:1/', '1'] };
    await applyText(
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'host-network-2', namespace: POLL, annotations: { 'linkerd.io/inject': 'enabled' } },
        spec: { hostNetwork: true, restartPolicy: 'Never', containers: [container] },
      }),
    );
  },
  mend: nothing,
};

async function scaleOperator(replicas: number): Promise<void> {
  await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'scale', OPERATOR, `--replicas=${replicas}`]);
  if (replicas > 0) await rollout(CONTROL_PLANE_NAMESPACE, OPERATOR);
}

function patchMesh(identity: Record<string, string>): Promise<unknown> {
  const mesh = { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' }, spec: { identity } };
  return applyText(JSON.stringify(mesh));
}

/** A pod as the injector makes it, to be created when there is none. */
async function injectedPod(): Promise<string> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'late',
      namespace: POLL,
      labels: { app: 'late' },
      annotations: { 'linkerd.io/inject': 'enabled' },
    },
    spec: {
      serviceAccountName: 'echo',
      containers: [{ name: 'app', image: 'localhost/weft-demo:dev', args: ['service'] }],
    },
  };
  const made = await kubectl(['create', '--dry-run=server', '-o', 'json', '-f', '-'], { input: JSON.stringify(pod) });
  const injected = JSON.parse(made.stdout) as V1Pod;
  const { name, namespace, labels, annotations } = injected.metadata!;
  return JSON.stringify({ ...injected, metadata: { name, namespace, labels, annotations }, status: undefined });
}

/** Certificates live a minute, so that they run out while nobody renews them; one pod begins without. */
const noOperator: Fault = {
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
    const late = await injectedPod();
    await scaleOperator(0);
    await kubectl(['create', '-f', '-'], { input: late });
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
const definitions: Fault = {
  title: 'a definition without a status subresource, as those of linkerd-smi are',
  alerts: ['WeftDefinitionsIncomplete'],
  async make() {
    await patchDefinition('remove');
  },
  async mend() {
    await patchDefinition('add');
  },
};

const stolenLease: Fault = {
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

interface Rule {
  resources?: string[];
  verbs?: string[];
}

/** Rights of the operator, taken away and given back. */
class Rights {
  readonly #role: readonly string[];
  readonly #isTaken: (rule: Rule) => boolean;
  #rules: readonly Rule[] = [];

  constructor(role: readonly string[], isTaken: (rule: Rule) => boolean) {
    this.#role = role;
    this.#isTaken = isTaken;
  }

  async take(): Promise<void> {
    this.#rules = (await getJson<{ rules: Rule[] }>(...this.#role)).rules;
    await this.#write(this.#rules.filter((rule) => !this.#isTaken(rule)));
  }

  giveBack(): Promise<unknown> {
    return this.#write(this.#rules);
  }

  #write(rules: readonly Rule[]): Promise<unknown> {
    return kubectl(['patch', ...this.#role, '--type=merge', '-p', JSON.stringify({ rules })]);
  }
}

const SECRETS = new Rights(
  ['role', 'weft-operator', '-n', CONTROL_PLANE_NAMESPACE],
  ({ resources = [], verbs = [] }) => resources.includes('secrets') && verbs.includes('patch'),
);

/** An issuer that lives a minute, made anew because its Secret is gone, and due when 70 % of that are over. */
const issuerNotRenewed: Fault = {
  title: 'an issuer that lives a minute and may not be renewed',
  alerts: ['WeftIssuerExpiring', 'WeftCertificateRenewalFailing'],
  async make() {
    await SECRETS.take();
    await patchMesh({ certificateLifetime: '20s', issuerLifetime: '60s' });
    await forgetIssuer();
  },
  async mend() {
    await SECRETS.giveBack();
    await patchMesh({});
    await forgetIssuer();
  },
};

/** The operator makes another one, signed by the same anchor. */
function forgetIssuer(): Promise<unknown> {
  return kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'delete', 'secret', 'weft-identity-issuer']);
}

const STATUSES = new Rights(['clusterrole', 'weft-operator'], ({ resources = [] }) =>
  resources.some((name) => name.endsWith('/status')),
);

const noStatus: Fault = {
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
const impatient: Fault = {
  title: 'an operator that takes a second of silence for an API server that is away',
  alerts: ['WeftStoreStale'],
  async make() {
    await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'set', 'env', OPERATOR, 'WEFT_OPERATOR_STALE_AFTER_MS=1000']);
  },
  async mend() {
    await kubectl(['-n', CONTROL_PLANE_NAMESPACE, 'set', 'env', OPERATOR, 'WEFT_OPERATOR_STALE_AFTER_MS-']);
    await rollout(CONTROL_PLANE_NAMESPACE, OPERATOR);
  },
};

/** One after the other; what is in one list, side by side. */
export const FAULTS: readonly (readonly Fault[])[] = [
  [stoppedProxy, killedProxy, hostNetwork],
  [noOperator],
  [definitions, stolenLease],
  [noStatus, issuerNotRenewed],
  [impatient],
];
