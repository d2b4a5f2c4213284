import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'hack', 'install', 'main.ts');
const SYSTEM = 'weft-system';
const GATEWAY_API = '.gateway.networking.k8s.io';
const SERVERS = 'customresourcedefinition/servers.policy.linkerd.io';

interface Finished {
  code: number;
  text: string;
}

interface Deployment {
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

const API_SERVICE = 'v1alpha1.viz.weft.dev';

interface Definition {
  metadata: {
    name: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: unknown;
    resourceVersion?: string;
  };
  spec: { versions: { name: string; storage?: boolean; subresources?: object }[] };
}

describe('installing and uninstalling at a real API server', function () {
  this.timeout(120_000);
  let api: TestApiServer;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
  });

  after(() => api?.stop());

  function run(command: string, args: readonly string[], input = ''): Promise<Finished> {
    const env = {
      ...process.env,
      KUBECONFIG: api.kubeconfigPath,
      CONTEXT: '',
      PATH: `${dirname(api.kubectlPath)}:${process.env['PATH'] ?? ''}`,
    };
    return new Promise((resolve) => {
      // All definitions as JSON are more than the default of one megabyte.
      const child = execFile(command, args, { env, maxBuffer: 64_000_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? -1), text: stdout + stderr });
      });
      child.stdin?.end(input);
    });
  }

  const program = (...args: string[]) => run(process.execPath, [PROGRAM, ...args]);
  const install = (...args: string[]) => program('--no-wait', ...args);

  async function kubectl(args: string, input = ''): Promise<string> {
    const { code, text } = await run(api.kubectlPath, args.split(' '), input);
    expect(code, text).to.equal(0);
    return text;
  }

  const deployment = async () =>
    JSON.parse(await kubectl(`-n ${SYSTEM} get deploy weft-operator -o json`)) as Deployment;
  const imageOf = async () => (await deployment()).spec.template.spec.containers[0]!.image;

  const definition = async () => JSON.parse(await kubectl(`get ${SERVERS} -o json`)) as Definition;
  const storedVersions = async () =>
    JSON.parse(await kubectl(`get ${SERVERS} -o jsonpath={.status.storedVersions}`)) as string[];

  /** As a release would have it that stores this version of Servers, whether or not today's knows it. */
  async function storing(version: string): Promise<void> {
    const held = await definition();
    delete held.metadata.managedFields;
    delete held.metadata.resourceVersion;
    const { versions } = held.spec;
    if (!versions.some(({ name }) => name === version)) versions.push({ ...versions.at(-1)!, name: version });
    for (const each of versions) each.storage = each.name === version;
    await kubectl('replace -f -', JSON.stringify(held));
  }

  async function installed(...args: string[]): Promise<string> {
    const { code, text } = await install(...args);
    expect(code, text).to.equal(0);
    return text;
  }

  it('makes one replica, and leaves the number that somebody set alone ever after', async () => {
    await installed();
    expect((await deployment()).spec.replicas).to.equal(1);
    await kubectl(`-n ${SYSTEM} scale deploy/weft-operator --replicas=3`);
    await installed();
    await installed('--force');
    expect((await deployment()).spec.replicas).to.equal(3);
  });

  it('refuses to overwrite what somebody else has set, names field and manager, and takes it with --force', async () => {
    const before = await imageOf();
    await kubectl(`-n ${SYSTEM} set image deploy/weft-operator operator=example.com/mine:1`);
    const refused = await install();
    expect(refused.code).to.equal(1);
    expect(refused.text).to.contain('WEFT_INSTALL_CONFLICT').and.to.contain('"kubectl-set"').and.to.contain('.image');
    expect(await imageOf()).to.equal('example.com/mine:1');
    await installed('--force');
    expect(await imageOf()).to.equal(before);
  });

  it('refuses to uninstall while pods have a proxy, and names them', async () => {
    await kubectl('create namespace shop');
    await kubectl('apply -f -', pod('web-1', SYSTEM));
    await kubectl('apply -f -', pod('other-mesh', 'linkerd'));
    const refused = await program('--uninstall');
    expect(refused.code).to.equal(1);
    expect(refused.text).to.contain('WEFT_UNINSTALL_INJECTED').and.to.contain('shop/web-1');
    expect(refused.text).not.to.contain('other-mesh');
    expect((await deployment()).spec.replicas).to.equal(3);
  });

  it('keeps the root of trust and the custom resources, and says what follows', async () => {
    await kubectl(`-n ${SYSTEM} create secret generic weft-trust-anchor --from-literal=tls.crt=kept`);
    await kubectl('apply -f -', server());
    const { code, text } = await program('--uninstall', '--force');
    expect(code, text).to.equal(0);
    expect(text).to.contain('shop/web-1').and.to.contain('a later installation takes them up again');
    expect(await kubectl('get clusterrole --ignore-not-found weft-operator weft-proxy-direct')).to.equal('');
    expect(
      await kubectl(`-n ${SYSTEM} get deploy,service,serviceaccount,lease --ignore-not-found -o name`),
    ).not.to.contain('weft-operator');
    await kubectl(`-n ${SYSTEM} get secret weft-trust-anchor`);
    await kubectl('-n shop get server web');
    await installed();
    await kubectl(`-n ${SYSTEM} get secret weft-trust-anchor`);
  });

  it('leaves definitions of others alone, says that they have no status, and replaces them when it is told to', async () => {
    const held = JSON.parse(await kubectl(`get ${SERVERS} -o json`)) as Definition;
    delete held.metadata.labels;
    delete held.metadata.managedFields;
    delete held.metadata.resourceVersion;
    for (const version of held.spec.versions) delete version.subresources;
    await kubectl('replace -f -', JSON.stringify(held));
    expect(await installed()).to.match(
      /servers\.policy\.linkerd\.io has no status subresource in v1beta3.*--upgrade-crds/,
    );
    expect(await kubectl(`get ${SERVERS} -o jsonpath={.spec.versions[*].subresources}`)).to.equal('');
    expect(await installed('--upgrade-crds')).not.to.contain('no status subresource');
    expect(await kubectl(`get ${SERVERS} -o jsonpath={.spec.versions[*].subresources}`)).to.contain('status');
    await kubectl('-n shop get server web');
  });

  it('stores objects anew that may be stored in an older version, so that a later definition can do without it', async () => {
    await storing('v1beta1');
    await kubectl('-n shop annotate server web stored=once');
    await installed('--force');
    expect(await storedVersions()).to.have.members(['v1beta1', 'v1beta3']);
    expect(await installed('--migrate-stored')).to.match(
      /servers\.policy\.linkerd\.io: 1 objects, none stored as v1beta1/,
    );
    expect(await storedVersions()).to.deep.equal(['v1beta3']);
    const held = await definition();
    held.spec.versions = held.spec.versions.filter(({ name }) => name !== 'v1beta1');
    await kubectl('replace -f -', JSON.stringify(held));
    const found = await kubectl('-n shop get server web -o jsonpath={.spec.port},{.metadata.annotations.stored}');
    expect(found).to.equal('80,once');
    expect(await installed('--force', '--migrate-stored')).not.to.contain('none stored as');
  });

  it('refuses definitions without a version in which objects may be stored, before it applies anything', async () => {
    await storing('v1gamma');
    const before = (await definition()).metadata.generation;
    const refused = await install('--force');
    expect(refused.code).to.equal(1);
    expect(refused.text).to.contain('WEFT_INSTALL_STORED_VERSION').and.to.contain('v1gamma');
    expect((await definition()).metadata.generation).to.equal(before);
    const status = JSON.stringify({ status: { storedVersions: ['v1beta3'] } });
    await kubectl(`patch ${SERVERS} --subresource=status --type=merge -p ${status}`);
    await installed('--force');
  });

  it('E15: removes nothing of somebody else, whatever its name, its finalizers or its owner references say', async () => {
    const role = JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'weft-proxy-direct' },
      rules: [],
    });
    const webhooks = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' };
    await kubectl('delete clusterrole weft-proxy-direct');
    await kubectl('create -f -', role);
    await kubectl('create -f -', JSON.stringify({ ...webhooks, metadata: { name: 'weft-validator' }, webhooks: [] }));
    await kubectl(`-n ${SYSTEM} label service/weft-operator app.kubernetes.io/part-of=mine --overwrite`);
    await kubectl(`-n ${SYSTEM} create configmap weft-operator`);
    const { code, text } = await program('--uninstall', '--force');
    expect(code, text).to.equal(0);
    for (const left of [
      'clusterrole/weft-proxy-direct',
      'validatingwebhookconfiguration/weft-validator',
      `service/weft-operator in ${SYSTEM}`,
    ]) {
      expect(text).to.contain(`left: ${left} is not of this installation`);
    }
    await kubectl('get clusterrole/weft-proxy-direct validatingwebhookconfiguration/weft-validator');
    await kubectl(`-n ${SYSTEM} get service/weft-operator configmap/weft-operator`);
    expect(await kubectl('get clusterrole/weft-operator --ignore-not-found')).to.equal('');
    expect(await kubectl(`-n ${SYSTEM} get deploy/weft-operator --ignore-not-found`)).to.equal('');
    // A namespace that somebody else has made is theirs, with all that is in it but our Secrets.
    await kubectl(`label namespace ${SYSTEM} app.kubernetes.io/part-of-`);
    await kubectl(`-n ${SYSTEM} create secret generic weft-webhook-ca --from-literal=a=b`);
    await kubectl(`-n ${SYSTEM} label secret weft-webhook-ca app.kubernetes.io/part-of=weft`);
    await kubectl(`-n ${SYSTEM} create secret generic mine --from-literal=a=b`);
    expect((await program('--uninstall', '--force', '--purge')).text).to.contain(`left: namespace/${SYSTEM} is not of`);
    expect(await kubectl(`-n ${SYSTEM} get secrets -o name`))
      .to.contain('secret/mine')
      .and.not.to.contain('weft-webhook-ca');
    await kubectl('delete clusterrole/weft-proxy-direct validatingwebhookconfiguration/weft-validator');
    await kubectl(`label namespace ${SYSTEM} app.kubernetes.io/part-of=weft`);
    await installed('--force');
  });

  const gatewayDefinitions = async () => {
    const text = await kubectl('get crd -o json');
    const { items } = JSON.parse(text) as { items: Definition[] };
    return items.filter(({ metadata }) => metadata.name.endsWith(GATEWAY_API));
  };
  const bundles = async () =>
    (await gatewayDefinitions()).map(({ metadata: { name, annotations = {} } }) => [
      name.slice(0, -GATEWAY_API.length),
      annotations[`gateway.networking.k8s.io/bundle-version`],
    ]);

  it('installs nothing of the Gateway API unless it is asked to, and then what the cluster lacks', async () => {
    expect(await gatewayDefinitions()).to.deep.equal([]);
    await kubectl('create -f -', httpRouteOf('v1.2.0'));
    const [before] = await gatewayDefinitions();
    const text = await installed('--only-gateway-api');
    expect(text).not.to.contain('control plane');
    expect(text).to.contain(
      'httproutes.gateway.networking.k8s.io is there (v1.2.0, experimental channel) and stays as it is',
    );
    expect(text).to.contain('several bundles now: v1.4.1, standard channel; v1.2.0, experimental channel');
    expect(await bundles()).to.deep.equal([
      ['backendtlspolicies', 'v1.4.1'],
      ['gatewayclasses', 'v1.4.1'],
      ['gateways', 'v1.4.1'],
      ['grpcroutes', 'v1.4.1'],
      ['httproutes', 'v1.2.0'],
      ['referencegrants', 'v1.4.1'],
    ]);
    const held = (await gatewayDefinitions()).find(({ metadata }) => metadata.name === before!.metadata.name)!;
    expect(held.spec).to.deep.equal(before!.spec);
    expect(held.metadata.generation).to.equal(1);
  });

  it('touches no definition of the Gateway API that is there, its own of before either', async () => {
    await kubectl(`annotate crd grpcroutes${GATEWAY_API} gateway.networking.k8s.io/bundle-version=v9.0.0 --overwrite`);
    const before = await gatewayDefinitions();
    const text = await installed('--gateway-api', '--force', '--upgrade-crds');
    expect(text).to.contain('definitions of the Gateway API: 0').and.not.to.contain('WARNING');
    expect(text).to.contain(`grpcroutes${GATEWAY_API} is there (v9.0.0, standard channel) and stays as it is`);
    expect(await gatewayDefinitions()).to.deep.equal(before);
  });

  it('removes everything with --purge, but what is not its own, though an operator that crashed has left its group of the API', async () => {
    await kubectl('create -f -', apiService());
    const { code, text } = await program('--uninstall', '--force', '--purge');
    expect(code, text).to.equal(0);
    expect(text).to.contain('restart them then');
    expect(await kubectl(`get ${SERVERS} namespace/${SYSTEM} apiservice/${API_SERVICE} --ignore-not-found`)).to.equal(
      '',
    );
    expect(await gatewayDefinitions()).to.have.length(6);
  });
});

function pod(name: string, controlPlane: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { 'linkerd.io/control-plane-ns': controlPlane } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  });
}

/** With nobody to serve it, no namespace can be deleted. */
function apiService(): string {
  return JSON.stringify({
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: API_SERVICE, labels: { 'app.kubernetes.io/part-of': 'weft' } },
    spec: {
      group: 'viz.weft.dev',
      version: 'v1alpha1',
      groupPriorityMinimum: 1_000,
      versionPriority: 100,
      service: { namespace: SYSTEM, name: 'weft-viz' },
      insecureSkipTLSVerify: true,
    },
  });
}

function server(): string {
  return JSON.stringify({
    apiVersion: 'policy.linkerd.io/v1beta3',
    kind: 'Server',
    metadata: { name: 'web', namespace: 'shop' },
    spec: { podSelector: { matchLabels: { app: 'web' } }, port: 80 },
  });
}

/** A definition that somebody else has installed, with fields of theirs. */
function httpRouteOf(bundle: string): string {
  const annotations = {
    'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/3328',
    'gateway.networking.k8s.io/bundle-version': bundle,
    'gateway.networking.k8s.io/channel': 'experimental',
  };
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'httproutes.gateway.networking.k8s.io', annotations },
    spec: {
      group: 'gateway.networking.k8s.io',
      scope: 'Namespaced',
      names: { kind: 'HTTPRoute', plural: 'httproutes' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  });
}
