import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../../../hack/apiserver/process.ts';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { type CliResult, runCli } from '../../support/cli.ts';
import { eventually } from '../../support/eventually.ts';
import { Cluster, Plane, type SeenObject } from '../operator/plane.ts';

const SYSTEM = 'weft-system';
const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1';
const PODS = `/api/v1/namespaces/${SYSTEM}/pods`;

interface Report {
  success: boolean;
  categories: { categoryName: string; checks: Row[] }[];
}

interface Row {
  code: string;
  description: string;
  result: 'success' | 'warning' | 'error';
  hint?: string;
  error?: string;
  findings?: { object: string; reason: string; remedy: string }[];
}

describe('weft check at a real API server', function () {
  this.timeout(120_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane | null = null;
  let port = 0;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer({ controllerManager: true });
    cluster = new Cluster(api);
    port = await freePort();
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  const weft = (...argv: string[]): Promise<CliResult> => runCli(argv, { env: { KUBECONFIG: api.kubeconfigPath } });

  /** The pod of the control plane is only said to run: that nobody answers behind the aggregated API is true here, and left out. */
  const UNSERVED = 'api-service-unavailable';

  /** What is not √, with the status. */
  async function found(...argv: string[]): Promise<{ status: number; rows: Row[] }> {
    const { status, stdout, stderr } = await weft('check', '-o', 'json', ...argv);
    expect(stdout, stderr).to.not.equal('');
    const { categories } = JSON.parse(stdout) as Report;
    return {
      status,
      rows: categories
        .flatMap(({ checks }) => checks)
        .filter(({ result, code }) => result !== 'success' && code !== UNSERVED),
    };
  }

  const codesOf = async (...argv: string[]) => (await found(...argv)).rows.map(({ code }) => code);

  async function startOperator(): Promise<void> {
    const webhooks = ['--webhook-port', `${port}`, '--webhook-url', `https://127.0.0.1:${port}`];
    const flags = ['--roles', 'controllers,config,identity,webhooks', ...webhooks];
    plane = await new Plane(api, 'weft-operator-0', { flags }).start();
    await plane.ready(30_000);
  }

  /** What a scheduler and a kubelet would do with the one pod of the control plane. */
  async function run(): Promise<void> {
    const pod = await eventually('the pod of the operator', async () => {
      const { items } = await cluster.read<{ items: SeenObject[] }>(PODS);
      return items[0] ?? null;
    });
    const path = `${PODS}/${pod.metadata.name}`;
    const target = { apiVersion: 'v1', kind: 'Node', name: 'node-1' };
    await cluster.create(`${path}/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod.metadata.name, namespace: SYSTEM },
      target,
    });
    const bound = await cluster.read<SeenObject>(path);
    const conditions = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: 'True',
    }));
    const podIPs = [{ ip: '10.244.0.2' }];
    const running = {
      name: 'operator',
      ready: true,
      restartCount: 0,
      image: 'x',
      imageID: 'x',
      state: { running: {} },
    };
    await cluster.put(`${path}/status`, {
      ...bound,
      status: { phase: 'Running', conditions, podIP: '10.244.0.2', podIPs, containerStatuses: [running] },
    });
  }

  async function makeNode(): Promise<void> {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' }, spec: { podCIDR: '10.244.0.0/24' } };
    const made = await cluster.create('/api/v1/nodes', node);
    const nodeInfo = { kernelVersion: '6.1.0', operatingSystem: 'linux', architecture: 'amd64' };
    const now = new Date().toISOString().replace(/\.\d+Z/, 'Z');
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: '',
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    };
    await cluster.put('/api/v1/nodes/node-1/status', { ...made, status: { nodeInfo, conditions: [ready] } });
    await cluster.create('/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'node-1', namespace: 'kube-node-lease' },
      spec: { holderIdentity: 'node-1', renewTime: new Date().toISOString().replace('Z', '000Z') },
    });
  }

  it('says before an installation that nothing stands in its way, and to somebody without rights what does', async () => {
    await makeNode();
    expect(await found('--pre')).to.deep.equal({ status: 0, rows: [] });
    const { status, rows } = await found('--pre', '--as', 'somebody');
    expect(status).to.equal(1);
    const refused = rows.find(({ code }) => code === 'may-not-install');
    expect(refused?.findings?.map(({ object }) => object)).to.include('clusterroles.rbac.authorization.k8s.io/*');
    expect(rows.map(({ code }) => code)).to.include('not-readable');
  });

  it('stops where nothing is installed', async () => {
    const { status, rows } = await found();
    expect(status).to.equal(1);
    expect(rows.map(({ code }) => code)).to.deep.equal(['definition-missing', 'control-plane-namespace-missing']);
  });

  it('waits until an installation is ready, if it is asked to', async () => {
    expect((await weft('install', '--apply', '--no-wait')).status).to.equal(0);
    expect(await codesOf()).to.include('operator-not-ready');
    const waited = weft('check', '--wait', '90s', '-o', 'short');
    await run();
    await startOperator();
    const { status, stdout, stderr } = await waited;
    expect(status, stdout).to.equal(0);
    expect(stdout).to.match(/(^|\n)Status check results are √\n$/);
    expect(stderr).to.match(/^waiting: deployment\/weft-operator in weft-system: 0 of 1 replicas are available/);
  });

  it('finds nothing on a healthy mesh, in less than three seconds', async () => {
    await cluster.apply('meshes', '', 'default', { spec: {} });
    await cluster.condition('meshes', '', 'default', 'Ready', 'True');
    const fromMs = performance.now();
    const { status, rows } = await found('--proxy');
    const tookMs = performance.now() - fromMs;
    expect({ status, rows }).to.deep.equal({ status: 0, rows: [] });
    expect(tookMs).to.be.below(3_000);
  });

  it('finds what a role lacks', async () => {
    const path = '/apis/rbac.authorization.k8s.io/v1/clusterroles/weft-operator';
    const role = await cluster.read<SeenObject & { rules: { resources: string[] }[] }>(path);
    await cluster.put(path, {
      ...role,
      rules: role.rules.filter(({ resources }) => !resources.includes('endpointslices')),
    });
    const { status, rows } = await found();
    expect(status).to.equal(1);
    expect(rows.map(({ code }) => code)).to.deep.equal(['control-plane-rights']);
    expect((await weft('upgrade', '--apply', '--no-wait', '--force')).status).to.equal(0);
    expect(await codesOf()).to.deep.equal([]);
  });

  it('finds by a dry run that pods come without a proxy, and leaves nothing behind', async () => {
    await plane!.stop();
    plane = null;
    const { status, rows } = await found();
    expect(status).to.equal(1);
    expect(rows.map(({ code }) => code)).to.deep.equal(['injector-unreachable', 'validator-unreachable']);
    expect(rows[0]!.findings![0]!.reason).to.match(/a pod in default gets no proxy/);
    const { items } = await cluster.read<{ items: SeenObject[] }>('/api/v1/namespaces/default/pods');
    expect(items).to.deep.equal([]);
    expect((await cluster.get('meshes', '', 'default'))['spec']).to.not.have.nested.property(
      'proxy.opaquePorts',
      '65536',
    );
  });

  it('names the CA as the cause where that is what is wrong', async () => {
    const path = `${WEBHOOKS}/mutatingwebhookconfigurations/weft-injector`;
    const held = await cluster.read<SeenObject & { webhooks: { clientConfig: object }[] }>(path);
    const [entry] = held.webhooks;
    const caBundle = Buffer.from(api.caPem).toString('base64');
    await cluster.put(path, { ...held, webhooks: [{ ...entry, clientConfig: { ...entry!.clientConfig, caBundle } }] });
    const { rows } = await found();
    expect(rows.map(({ code, error }) => [code, error])).to.deep.equal([
      [
        'webhook-ca',
        "mutatingwebhookconfiguration/weft-injector: its caBundle lacks the CA of Secret weft-webhook-ca: the API server refuses the operator's certificate",
      ],
      ['validator-unreachable', rows[1]!.error],
    ]);
    // The operator puts it right.
    await startOperator();
    await eventually('nothing is wrong', async () => (await codesOf()).length === 0, 20_000);
  });

  it('ends with status 3 where the API server cannot be reached', async () => {
    const nobody = await freePort();
    const kubeconfig = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${nobody}` } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      users: [{ name: 'u', user: {} }],
      'current-context': 'x',
    });
    const path = join(api.directory, 'nobody.kubeconfig');
    writeFileSync(path, kubeconfig);
    const { status, stdout, stderr } = await runCli(['check'], { env: { KUBECONFIG: path } });
    expect(status).to.equal(3);
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^WEFT_CLI_UNREACHABLE: /);
  });
});
