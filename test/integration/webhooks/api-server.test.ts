import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { parseRelayedProbes } from '../../../proxy-image/contract/relayed-probes.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import type { PodView } from '../../support/pods.ts';
import { RawApi } from '../crds/raw-api.ts';
import { appPod, RegisteredWebhooks } from './registered.ts';

interface Kubectl {
  code: number;
  stdout: string;
  stderr: string;
}

describe('webhooks of a real API server', function () {
  this.timeout(60_000);
  let api: RawApi;
  let cluster: TestApiServer;
  let webhooks: RegisteredWebhooks;
  let directory = '';

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    cluster = await sharedApiServer();
    api = new RawApi(cluster);
    directory = await mkdtemp(join(tmpdir(), 'weft-webhooks-'));
    webhooks = await RegisteredWebhooks.start(api);
    await webhooks.createNamespace('webhooks-on', { 'linkerd.io/inject': 'enabled' });
    await webhooks.createNamespace('webhooks-off', {});
  });

  after(async () => {
    await webhooks.stop();
    api.close();
    await rm(directory, { recursive: true, force: true });
  });

  function kubectl(...args: string[]): Promise<Kubectl> {
    return new Promise((resolve) => {
      const options = { env: { ...process.env, KUBECONFIG: cluster.kubeconfigPath }, timeout: 30_000 };
      execFile(cluster.kubectlPath, args, options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
      });
    });
  }

  /** `kubectl apply -f` of a file, as people do it. */
  function apply(name: string, text: string): Promise<Kubectl> {
    const file = join(directory, `${name}.yaml`);
    writeFileSync(file, text);
    return kubectl('apply', '-f', file);
  }

  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name);

  it('a pod of an annotated namespace is stored with its proxy as native sidecar', async () => {
    const stored = await webhooks.createPod('webhooks-on', appPod('native'));
    expect(names(stored.spec.initContainers)).to.deep.equal(['linkerd-init', 'linkerd-proxy', 'prepare']);
    expect(names(stored.spec.containers)).to.deep.equal(['app']);
    expect(stored.metadata.labels['linkerd.io/control-plane-ns']).to.equal('weft-system');
    const model = reducePod(stored);
    expect(model.meshed).to.equal(true);
    expect(model.containerPorts).to.deep.include({ name: 'linkerd-proxy', port: 4143 });
    // The application's API token is in the application's containers and in none of ours.
    const mounting = stored.spec.initContainers.map(({ volumeMounts }) =>
      JSON.stringify(volumeMounts).includes('kube-api'),
    );
    expect(mounting).to.deep.equal([false, false, true]);
    const anchors = stored.spec.initContainers[1]?.env.find(({ name }) => name === 'WEFT_PROXY_TRUST_ANCHORS');
    expect(anchors).to.deep.equal({ name: 'WEFT_PROXY_TRUST_ANCHORS', value: webhooks.trust.current?.anchorsPem });
  });

  it('every form of injection is a valid pod: classic, direct mode, resources, ports, a user id', async () => {
    const classic = await webhooks.createPod(
      'webhooks-on',
      appPod('classic', { 'config.linkerd.io/proxy-enable-native-sidecar': 'false' }),
    );
    expect(names(classic.spec.containers)).to.deep.equal(['linkerd-proxy', 'app']);
    const direct = await webhooks.createPod(
      'webhooks-on',
      appPod('direct', { 'config.weft.dev/source': 'kubernetes' }),
    );
    const mounts = direct.spec.initContainers[1]?.volumeMounts?.filter(
      ({ mountPath }) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount',
    );
    expect(mounts).to.deep.equal([
      { name: 'weft-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ]);
    const full = await webhooks.createPod(
      'webhooks-on',
      appPod('full', {
        'config.linkerd.io/proxy-cpu-request': '100m',
        'config.linkerd.io/proxy-memory-limit': '64Mi',
        'config.linkerd.io/proxy-ephemeral-storage-request': '1Gi',
        'config.linkerd.io/proxy-uid': '3000',
        'config.linkerd.io/proxy-gid': '3000',
        'config.linkerd.io/inbound-port': '5143',
        'config.linkerd.io/admin-port': '5191',
        'config.linkerd.io/proxy-await': 'disabled',
        'config.linkerd.io/opaque-ports': 'http',
        'config.linkerd.io/shutdown-grace-period': '30s',
      }),
    );
    expect(full.spec.initContainers[1]?.resources).to.deep.equal({
      requests: { cpu: '100m', 'ephemeral-storage': '1Gi', memory: '64Mi' },
      limits: { memory: '64Mi' },
    });
    expect(full.spec.initContainers[1]?.securityContext.runAsUser).to.equal(3000);
  });

  it('a pod whose HTTPS and TCP probes and hooks the proxy makes is valid, and its other probes stay', async () => {
    const httpGet = { path: '/health?full=1', port: 'http', scheme: 'HTTPS' };
    const app = {
      name: 'app',
      image: 'example/app',
      ports: [{ name: 'http', containerPort: 8080 }],
      livenessProbe: { tcpSocket: { port: 'http' }, terminationGracePeriodSeconds: 5, periodSeconds: 7 },
      readinessProbe: { httpGet },
      startupProbe: { grpc: { port: 8080 } },
      lifecycle: { preStop: { httpGet } },
    };
    const { spec } = await webhooks.createPod('webhooks-on', appPod('probed', {}, { containers: [app] }));
    const relayed = (probe: string) => ({ path: `/app-probe/app/${probe}`, port: 4191, scheme: 'HTTP' });
    const [stored] = spec.containers as unknown as Record<
      string,
      { httpGet?: object; tcpSocket?: object; grpc?: object }
    >[];
    expect(stored?.['livenessProbe']).to.deep.include({
      httpGet: relayed('livenessProbe'),
      terminationGracePeriodSeconds: 5,
      periodSeconds: 7,
    });
    expect(stored?.['livenessProbe']).not.to.have.property('tcpSocket');
    expect(stored?.['readinessProbe']?.httpGet).to.deep.equal(relayed('readinessProbe'));
    expect(stored?.['startupProbe']?.grpc).to.deep.include({ port: 8080 });
    expect(stored?.['lifecycle']).to.deep.equal({ preStop: { httpGet: relayed('preStop') } });
    const told = spec.initContainers[1]?.env.find(({ name }) => name === 'WEFT_PROXY_RELAYED_PROBES');
    const text = told !== undefined && 'value' in told ? told.value : '';
    expect(parseRelayedProbes(text)?.map(({ type, port }) => [type, port])).to.deep.equal([
      ['tcp', 8080],
      ['https', 8080],
      ['https', 8080],
    ]);
  });

  it('a pod of another namespace, or one that says disabled, is left as it is', async () => {
    expect(names((await webhooks.createPod('webhooks-off', appPod('a'))).spec.initContainers)).to.deep.equal([
      'prepare',
    ]);
    const disabled = await webhooks.createPod('webhooks-on', appPod('b', { 'linkerd.io/inject': 'disabled' }));
    expect(names(disabled.spec.initContainers)).to.deep.equal(['prepare']);
    const enabled = await webhooks.createPod('webhooks-off', appPod('c', { 'linkerd.io/inject': 'enabled' }));
    expect(names(enabled.spec.initContainers)).to.contain('linkerd-proxy');
  });

  it('a dry run shows the proxy and stores nothing', async () => {
    const shown = await webhooks.createPod('webhooks-on', appPod('dry'), '&dryRun=All');
    expect(names(shown.spec.initContainers)).to.contain('linkerd-proxy');
    expect((await api.send('GET', '/api/v1/namespaces/webhooks-on/pods/dry')).status).to.equal(404);
    const again = await webhooks.createPod('webhooks-on', appPod('dry'), '&dryRun=All');
    // The one thing that is random is the API server's own: the name of its token volume.
    const text = ({ spec }: PodView) =>
      JSON.stringify(spec).replaceAll(/kube-api-access-[a-z0-9]+/g, 'kube-api-access');
    expect(text(again)).to.equal(text(shown));
  });

  it('pods of a Deployment carry its name', async () => {
    const template = {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'app', image: 'example/app' }] },
    };
    const { status } = await api.send('POST', '/apis/apps/v1/namespaces/webhooks-on/deployments', {
      metadata: { name: 'web' },
      spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template },
    });
    expect(status).to.equal(201);
    const label = await eventually(
      'a pod',
      async () => {
        const { body } = await api.send('GET', '/api/v1/namespaces/webhooks-on/pods?labelSelector=app%3Dweb');
        return (body['items'] as PodView[])[0]?.metadata.labels['linkerd.io/proxy-deployment'];
      },
      20_000,
    );
    expect(label).to.equal('web');
  });

  it('a wrong annotation is a warning that kubectl prints', async () => {
    const text = JSON.stringify({ ...appPod('warned', { 'config.linkerd.io/proxy-uid': '0' }), metadata: undefined });
    const named = JSON.parse(text);
    named.metadata = {
      name: 'warned',
      namespace: 'webhooks-on',
      annotations: { 'config.linkerd.io/proxy-uid': '0', 'config.linkerd.io/nonsense': 'x' },
    };
    const { code, stderr } = await apply('warned', JSON.stringify(named));
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain('Warning: annotation config.linkerd.io/proxy-uid of the workload is ignored');
    expect(stderr).to.contain('config.linkerd.io/nonsense');
  });

  const PROFILE = `
apiVersion: linkerd.io/v1alpha2
kind: ServiceProfile
metadata: {name: web.webhooks-on.svc.cluster.local, namespace: webhooks-on}
spec:
  routes:
    - {name: "GET /", condition: {method: GET, pathRegex: "/"}, timeout: TIMEOUT}
`;

  it('an invalid ServiceProfile is refused by kubectl apply with the path of the field', async () => {
    const path = '/apis/linkerd.io/v1alpha2/namespaces/webhooks-on/serviceprofiles/web.webhooks-on.svc.cluster.local';
    for (const [from, to, field] of [
      // By the schema, and by the webhook where a schema cannot know.
      ['TIMEOUT', 'soon', 'spec.routes[0].timeout'],
      ['pathRegex: "/"', 'pathRegex: "("', 'spec.routes[0].condition.pathRegex'],
      ['method: GET', 'all: [{}]', 'spec.routes[0].condition.all[0]'],
    ] as const) {
      const refused = await apply('profile', PROFILE.replace(from, to).replace('TIMEOUT', '1s'));
      expect(refused.code).not.to.equal(0);
      expect(refused.stderr).to.contain(field);
      expect((await api.send('GET', path)).status).to.equal(404);
    }
    const admitted = await apply('profile', PROFILE.replace('TIMEOUT', '500ms'));
    expect(admitted.code, admitted.stderr).to.equal(0);
    const worse = await apply('profile', PROFILE.replace('TIMEOUT', '-5s'));
    expect(worse.stderr).to.contain('spec.routes[0].timeout');
  });

  const REFUSED: [kind: string, path: string, body: object][] = [
    [
      'split.smi-spec.io/v1alpha1/trafficsplits',
      'spec.service',
      { kind: 'TrafficSplit', spec: { service: '', backends: [{ service: 'a', weight: 1 }] } },
    ],
    [
      'policy.linkerd.io/v1beta3/servers',
      'spec.podSelector',
      { kind: 'Server', spec: { podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] }, port: 80 } },
    ],
    [
      'policy.linkerd.io/v1beta1/serverauthorizations',
      'spec.client.networks[0].cidr',
      {
        kind: 'ServerAuthorization',
        spec: { server: { name: 'web' }, client: { unauthenticated: true, networks: [{ cidr: '10.0.0.0/99' }] } },
      },
    ],
  ];
  for (const [kind, path, body] of REFUSED) {
    it(`an invalid ${kind} is refused with ${path}, by whoever comes first`, async () => {
      const [group, version, plural] = kind.split('/');
      const object = { apiVersion: `${group}/${version}`, metadata: { name: 'web' }, ...body };
      const answer = await api.send('POST', `/apis/${group}/${version}/namespaces/webhooks-on/${plural}`, object);
      expect(answer.status, JSON.stringify(answer.body)).to.be.oneOf([400, 422]);
      expect(String(answer.body['message'])).to.contain(path);
    });
  }

  it('an invalid Mesh is refused although it is in no namespace', async () => {
    const mesh = {
      apiVersion: 'weft.dev/v1alpha1',
      kind: 'Mesh',
      metadata: { name: 'default' },
      spec: { proxy: { skipSubnets: 'everywhere' } },
    };
    const { status, body } = await api.send('POST', '/apis/weft.dev/v1alpha1/meshes', mesh);
    expect(status).to.equal(422);
    expect(body['message']).to.contain('spec.proxy.skipSubnets');
    expect(JSON.stringify(body['details'])).to.contain('"field":"spec.proxy.skipSubnets"');
  });

  it('E6: certificates are renewed under load without a refused request, and the caBundle stays', async () => {
    const bundle = webhooks.trust.caBundlePem;
    const renewals = setInterval(() => webhooks.credentials.renew(), 20);
    try {
      for (let i = 0; i < 40; i += 1) await webhooks.createPod('webhooks-on', appPod(`load-${i}`), '&dryRun=All');
    } finally {
      clearInterval(renewals);
    }
    expect(webhooks.trust.caBundlePem).to.equal(bundle);
  });

  it('E7: an invalid object from before the webhook can still be labelled and deleted', async () => {
    await webhooks.unregister();
    const path = '/apis/linkerd.io/v1alpha2/namespaces/webhooks-on/serviceprofiles';
    const object = {
      apiVersion: 'linkerd.io/v1alpha2',
      kind: 'ServiceProfile',
      metadata: { name: 'old.webhooks-on.svc.cluster.local' },
      spec: { routes: [{ name: 'r', condition: { pathRegex: '(' } }] },
    };
    const slipped = await eventually('the validator is gone', async () => {
      const answer = await api.send('POST', path, object);
      return answer.status === 201 ? answer : null;
    });
    expect(slipped.status).to.equal(201);
    await webhooks.register();
    const merge = { 'content-type': 'application/merge-patch+json' };
    const one = `${path}/${object.metadata.name}`;
    const labelled = await api.send('PATCH', one, { metadata: { labels: { a: 'b' } } }, merge);
    expect(labelled.status, JSON.stringify(labelled.body)).to.equal(200);
    expect(labelled.warnings.join()).to.contain('pathRegex');
    const changed = await api.send(
      'PATCH',
      one,
      { spec: { routes: [{ name: 'x', condition: { pathRegex: '[' } }] } },
      merge,
    );
    expect(changed.status).to.equal(422);
    expect((await api.send('DELETE', one)).status).to.equal(200);
  });
});
