import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadManifests } from '../../../crds/manifest.ts';
import { DEFAULT_MESH } from '../../../crds/parse/mesh.ts';
import { reduceNamespace } from '../../../crds/parse/namespace.ts';
import { reducePod } from '../../../crds/parse/pod.ts';
import type { Authority } from '../../../operator/pki/authority.ts';
import { ServingCertificate, type ServingCredentials } from '../../../operator/pki/serving.ts';
import { Trust } from '../../../operator/pki/trust.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import {
  INJECT_PATH,
  injectorConfiguration,
  VALIDATE_PATH,
  validatorConfiguration,
} from '../../../webhooks/configurations.ts';
import { type InjectionSource, injectPod } from '../../../webhooks/inject/webhook.ts';
import { type CredentialSource, WebhookServer } from '../../../webhooks/server.ts';
import { validate } from '../../../webhooks/validate/validate.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import type { TestApiServer } from '../../support/apiserver.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { type PodView, PROXY_IMAGE } from '../../support/pods.ts';
import { RawApi } from '../crds/raw-api.ts';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
const DAY_MS = 86_400_000;
/** Every object of a broken webhook must fail loudly here, and only namespaces of this file are concerned. */
const MESH = {
  ...DEFAULT_MESH,
  injection: { failurePolicy: 'Fail' as const },
  validation: { failurePolicy: 'Fail' as const },
};

/** Serving certificates of the webhook CA, a new one whenever a test says so. */
class RenewedAtWill implements CredentialSource {
  readonly #authority: () => Authority | null;
  readonly #listeners = new Set<(credentials: ServingCredentials) => void>();
  current: ServingCredentials | null = null;

  constructor(authority: () => Authority | null) {
    this.#authority = authority;
    this.renew();
  }

  renew(): void {
    const next = new ServingCertificate(['127.0.0.1'], DAY_MS, this.#authority, systemClock);
    next.renewIfDue();
    this.current = next.current;
    for (const listener of this.#listeners) listener(next.current!);
  }

  onChange(listener: (credentials: ServingCredentials) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

interface Kubectl {
  code: number;
  stdout: string;
  stderr: string;
}

describe('webhooks of a real API server', function () {
  this.timeout(60_000);
  let api: RawApi;
  let cluster: TestApiServer;
  let server: WebhookServer;
  let credentials: RenewedAtWill;
  let trust: Trust;
  let url = '';
  let directory = '';

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    cluster = await sharedApiServer();
    api = new RawApi(cluster);
    directory = await mkdtemp(join(tmpdir(), 'weft-webhooks-'));
    for (const manifest of loadManifests()) await api.install(manifest);
    await startWebhooks();
    await register();
    await createNamespace('webhooks-on', { 'linkerd.io/inject': 'enabled' });
    await createNamespace('webhooks-off', {});
  });

  after(async () => {
    await unregister();
    await server.close();
    api.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function startWebhooks(): Promise<void> {
    trust = new Trust(new MemorySecrets(), systemClock);
    await trust.refresh(
      {
        suffix: 'linkerd.cluster.local',
        issuer: { type: 'Managed' },
        anchorLifetimeMs: 30 * DAY_MS,
        issuerLifetimeMs: DAY_MS,
      },
      true,
    );
    credentials = new RenewedAtWill(() => trust.webhookAuthority);
    const source: InjectionSource = {
      async namespace(name) {
        const { status, body } = await api.send('GET', `/api/v1/namespaces/${name}`);
        return status === 200 ? reduceNamespace(body) : null;
      },
      mesh: () => MESH,
      trustAnchorsPem: () => trust.current?.anchorsPem ?? '',
    };
    server = new WebhookServer({
      credentials,
      webhooks: {
        [INJECT_PATH]: async (review) =>
          (await injectPod(review, source, { version: 'v0', proxyImage: PROXY_IMAGE })).answer,
        [VALIDATE_PATH]: async (review) => validate(review),
      },
      observer: { answered() {}, failed() {} },
      nowMs: () => performance.now(),
    });
    url = `https://127.0.0.1:${await server.listen(0, '127.0.0.1')}`;
  }

  function configurations() {
    const input = {
      mesh: MESH,
      caBundlePem: trust.caBundlePem,
      client: { type: 'url' as const, url },
      otherInjector: true,
      owner: null,
    };
    return [injectorConfiguration(input), validatorConfiguration(input)] as const;
  }

  async function register(): Promise<void> {
    const [injector, validator] = configurations();
    const paths = [
      [`${CONFIGURATIONS}/mutatingwebhookconfigurations/${injector.metadata.name}`, injector],
      [`${CONFIGURATIONS}/validatingwebhookconfigurations/${validator.metadata.name}`, validator],
    ] as const;
    for (const [path, body] of paths) {
      const { status, body: answer } = await api.apply(path, body, 'weft-operator');
      expect(status, JSON.stringify(answer)).to.be.oneOf([200, 201]);
    }
    // The API server's own list of webhooks follows by a watch.
    await eventually('the validator is called', async () => {
      const mesh = {
        apiVersion: 'weft.dev/v1alpha1',
        kind: 'Mesh',
        metadata: { name: 'default' },
        spec: { proxy: { skipSubnets: 'everywhere' } },
      };
      const path = '/apis/weft.dev/v1alpha1/meshes?dryRun=All';
      const { body } = await api.send('POST', path, mesh);
      return JSON.stringify(body).includes('validator.webhooks.weft.dev');
    });
  }

  async function unregister(): Promise<void> {
    const [injector, validator] = configurations();
    await api.send('DELETE', `${CONFIGURATIONS}/mutatingwebhookconfigurations/${injector.metadata.name}`);
    await api.send('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/${validator.metadata.name}`);
  }

  async function createNamespace(name: string, annotations: Record<string, string>): Promise<void> {
    await api.send('POST', '/api/v1/namespaces', {
      metadata: { name, annotations, labels: { 'weft.dev/mesh': 'weft' } },
    });
    await eventually(
      'the default ServiceAccount',
      async () => {
        return (await api.send('GET', `/api/v1/namespaces/${name}/serviceaccounts/default`)).status === 200;
      },
      20_000,
    );
  }

  function pod(name: string, annotations: Record<string, string> = {}, spec: object = {}): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, annotations, labels: { app: name } },
      spec: {
        containers: [{ name: 'app', image: 'example/app', ports: [{ name: 'http', containerPort: 8080 }] }],
        initContainers: [{ name: 'prepare', image: 'example/prepare' }],
        ...spec,
      },
    };
  }

  async function createPod(namespace: string, body: object, query = ''): Promise<PodView> {
    const path = `/api/v1/namespaces/${namespace}/pods?fieldValidation=Strict${query}`;
    const { status, body: answer } = await api.send('POST', path, body);
    expect(status, JSON.stringify(answer)).to.equal(201);
    return answer as unknown as PodView;
  }

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
    const stored = await createPod('webhooks-on', pod('native'));
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
    expect(anchors).to.deep.equal({ name: 'WEFT_PROXY_TRUST_ANCHORS', value: trust.current?.anchorsPem });
  });

  it('every form of injection is a valid pod: classic, direct mode, resources, ports, a user id', async () => {
    const classic = await createPod(
      'webhooks-on',
      pod('classic', { 'config.linkerd.io/proxy-enable-native-sidecar': 'false' }),
    );
    expect(names(classic.spec.containers)).to.deep.equal(['linkerd-proxy', 'app']);
    const direct = await createPod('webhooks-on', pod('direct', { 'config.weft.dev/source': 'kubernetes' }));
    const mounts = direct.spec.initContainers[1]?.volumeMounts?.filter(
      ({ mountPath }) => mountPath === '/var/run/secrets/kubernetes.io/serviceaccount',
    );
    expect(mounts).to.deep.equal([
      { name: 'weft-api-access', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount', readOnly: true },
    ]);
    const full = await createPod(
      'webhooks-on',
      pod('full', {
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

  it('a pod of another namespace, or one that says disabled, is left as it is', async () => {
    expect(names((await createPod('webhooks-off', pod('a'))).spec.initContainers)).to.deep.equal(['prepare']);
    const disabled = await createPod('webhooks-on', pod('b', { 'linkerd.io/inject': 'disabled' }));
    expect(names(disabled.spec.initContainers)).to.deep.equal(['prepare']);
    const enabled = await createPod('webhooks-off', pod('c', { 'linkerd.io/inject': 'enabled' }));
    expect(names(enabled.spec.initContainers)).to.contain('linkerd-proxy');
  });

  it('a dry run shows the proxy and stores nothing', async () => {
    const shown = await createPod('webhooks-on', pod('dry'), '&dryRun=All');
    expect(names(shown.spec.initContainers)).to.contain('linkerd-proxy');
    expect((await api.send('GET', '/api/v1/namespaces/webhooks-on/pods/dry')).status).to.equal(404);
    const again = await createPod('webhooks-on', pod('dry'), '&dryRun=All');
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

  it('E4: a pod with a volume of our name is refused with the path', async () => {
    const volumes = [{ name: 'linkerd-identity-token', emptyDir: {} }];
    const { status, body } = await api.send('POST', '/api/v1/namespaces/webhooks-on/pods', pod('sly', {}, { volumes }));
    expect(status).to.equal(422);
    expect(body['message']).to.contain('injector.webhooks.weft.dev').and.contain('spec.volumes[0].name');
  });

  it('a wrong annotation is a warning that kubectl prints', async () => {
    const text = JSON.stringify({ ...pod('warned', { 'config.linkerd.io/proxy-uid': '0' }), metadata: undefined });
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
    const bundle = trust.caBundlePem;
    const renewals = setInterval(() => credentials.renew(), 20);
    try {
      for (let i = 0; i < 40; i += 1) await createPod('webhooks-on', pod(`load-${i}`), '&dryRun=All');
    } finally {
      clearInterval(renewals);
    }
    expect(trust.caBundlePem).to.equal(bundle);
  });

  it('E7: an invalid object from before the webhook can still be labelled and deleted', async () => {
    await unregister();
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
    await register();
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
