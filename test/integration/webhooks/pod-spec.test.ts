import { expect } from 'chai';
import type { SkipReason } from '../../../webhooks/inject/skip-reason.ts';
import { SKIP_TEXT } from '../../../webhooks/inject/skip-reason.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { meshWith, type PodView } from '../../support/pods.ts';
import { type Answer, RawApi } from '../crds/raw-api.ts';
import { appPod, RegisteredWebhooks } from './registered.ts';

interface Row {
  title: string;
  spec?: object;
  annotations?: Record<string, string>;
  /** Default: the namespace that only asks for proxies. */
  namespace?: keyof typeof NAMESPACES;
  /** Why it is left alone; absent: it is injected. */
  skipped?: SkipReason;
  /** Part of a warning, in either case. */
  warning?: string;
  check?: (pod: PodView) => void;
}

const NAMESPACES = {
  'spec-plain': {},
  'spec-baseline': { 'pod-security.kubernetes.io/enforce': 'baseline' },
  'spec-restricted': { 'pod-security.kubernetes.io/enforce': 'restricted' },
  'spec-privileged': {
    'pod-security.kubernetes.io/enforce': 'privileged',
    'pod-security.kubernetes.io/warn': 'restricted',
  },
} as const;

/** What `restricted` demands of an application. */
const RESTRICTED = {
  containers: [
    {
      name: 'app',
      image: 'example/app',
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    },
  ],
  initContainers: [],
  securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
};

const ask = (cpu: string, memory: string) => ({ requests: { cpu, memory } });
const BUSY = [{ name: 'app', image: 'example/app', resources: ask('400m', '400Mi') }];
const RESOURCES = 'config.linkerd.io/proxy-';
const PROXY_AMOUNTS = {
  [`${RESOURCES}cpu-request`]: '200m',
  [`${RESOURCES}memory-request`]: '64Mi',
  [`${RESOURCES}memory-limit`]: '128Mi',
};
const proxyOf = ({ spec }: PodView) =>
  [...spec.initContainers, ...spec.containers].find(({ name }) => name === 'linkerd-proxy')!;

const ROWS: Row[] = [
  { title: 'os: linux', spec: { os: { name: 'linux' } } },
  { title: 'os: windows', spec: { os: { name: 'windows' } }, skipped: 'windows_pod' },
  {
    title: 'a node selector for Windows',
    spec: { nodeSelector: { 'kubernetes.io/os': 'windows' } },
    skipped: 'windows_pod',
  },
  {
    title: 'a node affinity for Windows',
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchExpressions: [{ key: 'kubernetes.io/os', operator: 'In', values: ['windows'] }] },
            ],
          },
        },
      },
    },
    skipped: 'windows_pod',
  },
  { title: 'hostNetwork', spec: { hostNetwork: true }, skipped: 'host_network_enabled' },
  { title: 'hostPID and hostIPC', spec: { hostPID: true, hostIPC: true } },
  { title: 'a user namespace of its own', spec: { hostUsers: false } },
  { title: 'shareProcessNamespace', spec: { shareProcessNamespace: true } },
  {
    title: 'the mirror of a static pod',
    annotations: { 'kubernetes.io/config.mirror': 'x' },
    spec: { automountServiceAccountToken: false, nodeName: 'node-1' },
    skipped: 'mirror_pod',
  },
  { title: 'automountServiceAccountToken: false', spec: { automountServiceAccountToken: false } },
  {
    title: 'a volume of our name',
    spec: { volumes: [{ name: 'linkerd-identity-token', emptyDir: {} }] },
    skipped: 'volume_name_taken',
  },
  {
    title: 'a container of our name',
    spec: { containers: [{ name: 'linkerd-proxy', image: 'example/app' }], initContainers: [] },
    skipped: 'sidecar_already_exists',
  },
  {
    title: 'ports of our names and numbers',
    spec: {
      containers: [
        {
          name: 'app',
          image: 'example/app',
          ports: [
            { name: 'linkerd-proxy', containerPort: 8080 },
            { name: 'linkerd-admin', containerPort: 4191 },
          ],
        },
      ],
    },
    warning: 'has the port 4191, on which the proxy listens',
  },
  {
    title: 'resources of the pod as a whole that have no room for the proxy',
    annotations: PROXY_AMOUNTS,
    spec: { containers: BUSY, resources: ask('500m', '450Mi') },
    warning: 'is left out: it does not fit',
    check: (pod) => expect(proxyOf(pod).resources).to.deep.equal({}),
  },
  {
    title: 'resources of the pod as a whole with room for the proxy',
    annotations: PROXY_AMOUNTS,
    spec: { containers: BUSY, resources: ask('600m', '464Mi') },
    check: (pod) =>
      expect(proxyOf(pod).resources).to.deep.equal({
        requests: { cpu: '200m', memory: '64Mi' },
        limits: { memory: '128Mi' },
      }),
  },
  {
    title: 'a limit of the pod as a whole below the one of the proxy',
    annotations: PROXY_AMOUNTS,
    spec: { containers: [{ name: 'app', image: 'example/app' }], resources: { limits: { memory: '100Mi' } } },
    warning: 'memory of the proxy (64Mi) is left out',
    check: (pod) => expect(proxyOf(pod).resources).to.deep.equal({ requests: { cpu: '200m' } }),
  },
  {
    title: 'only limits of the pod as a whole, which become its requests',
    annotations: PROXY_AMOUNTS,
    spec: { containers: BUSY, resources: { limits: { cpu: '1', memory: '1Gi' } } },
    warning: 'is left out: it does not fit',
  },
  { title: 'runAsNonRoot of the pod', spec: { securityContext: { runAsNonRoot: true, runAsUser: 1000 } } },
  {
    title: 'groups, sysctls and SELinux options of the pod',
    spec: {
      securityContext: {
        fsGroup: 2000,
        supplementalGroups: [3000],
        sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }],
        seLinuxOptions: { level: 's0:c1' },
      },
    },
  },
  { title: 'dnsPolicy: Default', spec: { dnsPolicy: 'Default' }, warning: 'will not become ready' },
  {
    title: 'dnsPolicy: None',
    spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['10.96.0.10'], options: [{ name: 'ndots', value: '15' }] } },
  },
  { title: 'a scheduling gate', spec: { schedulingGates: [{ name: 'example.com/wait' }] } },
  { title: 'restartPolicy: Never with a deadline', spec: { restartPolicy: 'Never', activeDeadlineSeconds: 60 } },
  {
    title: 'restartPolicy: OnFailure as an ordinary container',
    annotations: { 'config.linkerd.io/proxy-enable-native-sidecar': 'false' },
    spec: { restartPolicy: 'OnFailure', terminationGracePeriodSeconds: 0 },
  },
  {
    title: 'a native sidecar of its own',
    spec: { initContainers: [{ name: 's', image: 'x', restartPolicy: 'Always' }] },
  },
  { title: 'no init containers', spec: { initContainers: [] } },
  { title: 'Pod Security baseline', namespace: 'spec-baseline', skipped: 'pod_security_level' },
  {
    title: 'Pod Security restricted',
    namespace: 'spec-restricted',
    spec: RESTRICTED,
    skipped: 'pod_security_level',
  },
  { title: 'Pod Security privileged, with warnings about restricted', namespace: 'spec-privileged' },
];

describe('pods of every kind through a real API server', function () {
  this.timeout(60_000);
  let api: RawApi;
  let webhooks: RegisteredWebhooks;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = new RawApi(await sharedApiServer());
    webhooks = await RegisteredWebhooks.start(api);
    for (const [name, labels] of Object.entries(NAMESPACES)) {
      await webhooks.createNamespace(name, { 'linkerd.io/inject': 'enabled' }, labels);
    }
  });

  after(async () => {
    await webhooks.stop();
    api.close();
  });

  const send = ({ title, spec, annotations, namespace = 'spec-plain' }: Row, own: Record<string, string>) => {
    const name = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
    return webhooks.sendPod(namespace, appPod(name, { ...annotations, ...own }, spec), '&dryRun=All');
  };
  const describeAnswer = ({ status, body }: Answer) => `${status} ${JSON.stringify(body['message'] ?? '')}`;

  for (const row of ROWS) {
    const { title, skipped, warning, check } = row;
    it(`${title}: ${skipped === undefined ? 'stored with a proxy' : `stored without a proxy, ${skipped}`}`, async () => {
      const without = await send(row, { 'linkerd.io/inject': 'disabled' });
      expect(without.status, `not a valid pod by itself: ${describeAnswer(without)}`).to.equal(201);
      const answer = await send(row, {});
      expect(answer.status, describeAnswer(answer)).to.equal(201);
      const pod = answer.body as unknown as PodView;
      const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
      const warnings = answer.warnings.join();
      if (skipped === undefined) {
        expect(all).to.include.members(['linkerd-init', 'linkerd-proxy']);
        expect(warnings).not.to.contain('not injected');
      } else {
        expect(all).not.to.contain('linkerd-init');
        expect(warnings.replaceAll('\\', '')).to.contain(`not injected: ${SKIP_TEXT[skipped]}`);
      }
      if (warning !== undefined) expect(warnings).to.contain(warning);
      check?.(pod);
    });
  }

  it('a LimitRange gives the proxy its defaults, and its minimum is met', async () => {
    await webhooks.createNamespace('spec-range', { 'linkerd.io/inject': 'enabled' });
    const range = {
      metadata: { name: 'range' },
      spec: { limits: [{ type: 'Container', min: { cpu: '10m', memory: '8Mi' }, max: { cpu: '2', memory: '1Gi' } }] },
    };
    expect((await api.send('POST', '/api/v1/namespaces/spec-range/limitranges', range)).status).to.equal(201);
    const pod = await eventually('the range is in force', async () => {
      const stored = await webhooks.createPod('spec-range', appPod('ranged'), '&dryRun=All');
      return proxyOf(stored).resources.limits === undefined ? null : stored;
    });
    expect(proxyOf(pod).resources).to.deep.equal({
      requests: { cpu: '2', memory: '1Gi' },
      limits: { cpu: '2', memory: '1Gi' },
    });
  });

  it('a ResourceQuota that demands resources of every container gets them, and an annotation counts for more', async () => {
    await webhooks.createNamespace('spec-quota', { 'linkerd.io/inject': 'enabled' });
    const hard = { 'requests.cpu': '10', 'limits.cpu': '10', memory: '10Gi', 'limits.memory': '10Gi' };
    const quota = { metadata: { name: 'all' }, spec: { hard } };
    expect((await api.send('POST', '/api/v1/namespaces/spec-quota/resourcequotas', quota)).status).to.equal(201);
    const amounts = { cpu: '100m', memory: '100Mi' };
    const spec = {
      containers: [{ name: 'app', image: 'example/app', resources: { requests: amounts, limits: amounts } }],
      initContainers: [],
    };
    const bare = { containers: [{ name: 'app', image: 'example/app' }], initContainers: [] };
    const pods = (name: string, annotations: Record<string, string>, own: object = spec) =>
      webhooks.sendPod('spec-quota', appPod(name, annotations, own), '&dryRun=All');
    await eventually(
      'the quota is in force',
      async () => {
        const { status, body } = await pods('bare', { 'linkerd.io/inject': 'disabled' }, bare);
        return status === 403 && String(body['message']).includes('must specify');
      },
      20_000,
    );
    const answer = await pods('quota', {});
    expect(answer.status, describeAnswer(answer)).to.equal(201);
    expect(proxyOf(answer.body as unknown as PodView).resources).to.deep.equal({
      requests: { cpu: '100m', memory: '64Mi' },
      limits: { cpu: '1', memory: '256Mi' },
    });
    expect(answer.warnings.join()).to.contain('a ResourceQuota demands limits.memory: the proxy gets 256Mi');
    const chosen = await pods('chosen', {
      'config.linkerd.io/proxy-memory-request': '300Mi',
      'config.linkerd.io/proxy-cpu-limit': '2',
    });
    expect(proxyOf(chosen.body as unknown as PodView).resources).to.deep.equal({
      requests: { cpu: '2', memory: '300Mi' },
      limits: { cpu: '2', memory: '300Mi' },
    });
    // A LimitRange supplies what the quota demands: its amounts count, not ours.
    const limits = [{ type: 'Container', default: { cpu: '500m', memory: '128Mi' } }];
    const range = { metadata: { name: 'range' }, spec: { limits } };
    expect((await api.send('POST', '/api/v1/namespaces/spec-quota/limitranges', range)).status).to.equal(201);
    const supplied = await eventually('the range is in force', async () => {
      const { body } = await pods('supplied', {});
      const { resources } = proxyOf(body as unknown as PodView);
      return resources.limits?.['memory'] === '128Mi' ? resources : null;
    });
    expect(supplied).to.deep.equal({
      requests: { cpu: '500m', memory: '128Mi' },
      limits: { cpu: '500m', memory: '128Mi' },
    });
  });

  it("what the Mesh gives to proxies meets a pod's own budget as annotations do", async () => {
    const { mesh } = webhooks;
    try {
      const resources = { cpuRequest: '1', cpuLimit: '', memoryRequest: '', memoryLimit: '' };
      webhooks.mesh = { ...meshWith({ resources }), injection: mesh.injection, validation: mesh.validation };
      const spec = { containers: BUSY, resources: ask('500m', '450Mi') };
      const answer = await webhooks.sendPod('spec-plain', appPod('mesh-resources', {}, spec), '&dryRun=All');
      expect(answer.status, describeAnswer(answer)).to.equal(201);
      expect(answer.warnings.join()).to.contain('cpu of the proxy (1) is left out');
    } finally {
      webhooks.mesh = mesh;
    }
  });
});
