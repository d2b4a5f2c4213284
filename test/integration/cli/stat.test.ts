import { expect } from 'chai';
import { loadManifests } from '../../../crds/manifest.ts';
import { CONTROL_PLANE_LABEL, CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { LiveCluster } from '../../support/live-cluster.ts';
import { INBOUND, OUTBOUND } from '../../unit/cli/traffic/shop.ts';
import { RawApi } from '../crds/raw-api.ts';

const NAMESPACE = 'stat-shop';
const KINDS = ['ServiceProfile', 'TrafficSplit', 'Server', 'ServerAuthorization', 'AuthorizationPolicy', 'HTTPRoute'];
const PATIENCE_MS = 30_000;

interface Pod {
  metadata: { name: string };
}

/** What the command asks of objects, answered by a real API server; the live numbers are those of a window in this process. */
describe('weft stat and its siblings at a real API server', function () {
  this.timeout(60_000);
  const live = new LiveCluster();
  /** Kind of each answer, by path. */
  const kinds = new Map<string, unknown>();
  let api: RawApi;
  let pods: string[] = [];

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = new RawApi(await sharedApiServer());
    for (const manifest of loadManifests()) {
      if (KINDS.includes(manifest.spec.names.kind)) await api.install(manifest);
    }
    await api.createNamespace(NAMESPACE);
    await deploy();
    await live.start();
    live.upstream = async (path, accept) => {
      const { status, body } = await api.send('GET', path, undefined, { accept });
      kinds.set(path.replace(/\?.*/, ''), body['kind']);
      return { status, body };
    };
  });

  after(() => {
    live.stop();
    api.close();
  });

  async function create(path: string, object: object): Promise<void> {
    const { status, body } = await api.send('POST', path, object);
    expect(status, JSON.stringify(body)).to.be.oneOf([201, 409]);
  }

  /** Two pods that have the label of injection, one that has not, one that has ended. Nothing runs them. */
  async function deploy(): Promise<void> {
    const workloads = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments`;
    await create(workloads, deployment('api', 2, { [CONTROL_PLANE_LABEL]: CONTROL_PLANE_NAMESPACE }));
    await create(workloads, deployment('bare', 1, {}));
    const containers = [{ name: 'app', image: 'app' }];
    const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
    const metadata = { name: 'ended', labels: { [CONTROL_PLANE_LABEL]: CONTROL_PLANE_NAMESPACE } };
    await eventually(
      'the namespace has its ServiceAccount',
      async () => ((await api.send('POST', path, { metadata, spec: { containers } })).status === 403 ? null : true),
      PATIENCE_MS,
    );
    const patch = { status: { phase: 'Succeeded' } };
    await api.send('PATCH', `${path}/ended/status`, patch, { 'content-type': 'application/merge-patch+json' });
    pods = await eventually(
      'the pods are made',
      async () => {
        const { body } = await api.send('GET', path);
        const names = (body['items'] as Pod[]).map(({ metadata }) => metadata.name);
        return names.filter((name) => !name.startsWith('ended')).length === 3 ? names : null;
      },
      PATIENCE_MS,
    );
    const policy = `/apis/policy.linkerd.io/v1beta3/namespaces/${NAMESPACE}`;
    const podSelector = { matchLabels: { app: 'api' } };
    await create(
      `${policy}/servers`,
      named('policy.linkerd.io/v1beta3', 'Server', 'api-http', { podSelector, port: 8080 }),
    );
    const backends = [{ service: 'api', weight: 1 }];
    await create(
      `/apis/split.smi-spec.io/v1alpha1/namespaces/${NAMESPACE}/trafficsplits`,
      named('split.smi-spec.io/v1alpha1', 'TrafficSplit', 'canary', { service: 'api', backends }),
    );
    await create(
      `/apis/linkerd.io/v1alpha2/namespaces/${NAMESPACE}/serviceprofiles`,
      named('linkerd.io/v1alpha2', 'ServiceProfile', `api.${NAMESPACE}.svc.cluster.local`, {
        routes: [{ name: 'GET /unused', condition: { method: 'GET', pathRegex: '/unused' } }],
      }),
    );
  }

  const weft = async (line: string) => {
    const { status, stdout, stderr } = await live.run(...line.split(' '), '-n', NAMESPACE);
    expect(stderr, line).to.equal('');
    expect(status, line).to.equal(0);
    return stdout;
  };
  const cells = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((row) => row.split(/ {2,}/));

  it('counts pods that have a proxy and those that have none, and leaves out what has ended', async () => {
    expect(cells(await weft('stat deploy')).map((row) => row.slice(0, 3))).to.deep.equal([['api', '2/2', '-']]);
    expect(cells(await weft('stat deploy --unmeshed')).map((row) => row.slice(0, 2))).to.deep.equal([
      ['api', '2/2'],
      ['bare', '0/1'],
    ]);
    expect(cells(await weft('stat po')).map((row) => row[1])).to.deep.equal(['Pending', 'Pending']);
    expect(cells(await weft(`stat ns/${NAMESPACE}`)).map((row) => row.slice(0, 2))).to.deep.equal([[NAMESPACE, '2/3']]);
    expect(cells(await weft('stat deploy -l app=api'))).to.have.length(1);
    expect(kinds.get(`/api/v1/namespaces/${NAMESPACE}/pods`)).to.equal('PartialObjectMetadataList');
    expect(kinds.get(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments`)).to.equal('PartialObjectMetadataList');
  });

  it('shows the traffic of the pods that the API server has made, and of each kind of the mesh', async () => {
    const [pod = ''] = pods.filter((name) => name.startsWith('api-'));
    const reporter = { namespace: NAMESPACE, kind: 'Deployment', name: 'api', pod, identity: `api.${NAMESPACE}` };
    const called = { serviceNamespace: NAMESPACE, backendNamespace: NAMESPACE };
    live.counted(reporter, [
      [
        { ...INBOUND, routeNamespace: NAMESPACE },
        { success: 45, failure: 15 },
      ],
      [{ ...OUTBOUND, ...called }, { success: 60 }],
    ]);
    const rows: [string, string[]][] = [
      ['stat deploy/api', ['api', '2/2', '75.00%', '1.0rps']],
      [`stat po/${pod}`, [pod, 'Pending', '1/1', '75.00%', '1.0rps']],
      ['stat svc', ['api', '-', '100.00%', '1.0rps']],
      ['stat srv', ['api-http', '0.0rps', '75.00%', '1.0rps']],
      ['stat ts', ['canary', 'api', 'api', '1', '100.00%', '1.0rps']],
      ['routes svc/api', ['GET /unused', 'api', '-', '-']],
      ['stat-inbound deploy/api', ['api', 'api-http:8080', 'votes', 'HTTPRoute', '75.00%', '1.00']],
    ];
    for (const [line, row] of rows) expect(cells(await weft(line))[0]!.slice(0, row.length), line).to.deep.equal(row);
    expect((await live.run('stat', 'saz', 'ap', '-n', NAMESPACE)).status).to.equal(1);
    expect((await live.run('stat', 'saz', '-n', NAMESPACE)).stderr).to.equal('No traffic found.\n');
  });

  it('says which object there is none of', async () => {
    for (const line of ['stat deploy/none', 'stat srv/none', 'stat po none']) {
      const { status, stderr } = await live.run(...line.split(' '), '-n', NAMESPACE);
      expect(status, line).to.equal(1);
      expect(stderr, line).to.match(new RegExp(`^WEFT_CLI_NOT_FOUND: .* none in namespace ${NAMESPACE}\n`));
    }
  });
});

function deployment(name: string, replicas: number, labels: Record<string, string>): object {
  const app = { app: name };
  const template = {
    metadata: { labels: { ...app, ...labels } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  };
  return { metadata: { name, labels: app }, spec: { replicas, selector: { matchLabels: app }, template } };
}

function named(apiVersion: string, kind: string, name: string, spec: object): object {
  return { apiVersion, kind, metadata: { name }, spec };
}
