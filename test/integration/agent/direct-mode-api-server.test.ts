import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { loadManifests } from '../../../crds/manifest.ts';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';
import { WATCHED_KINDS } from '../../../proxy-image/io/config-source/kubernetes/kinds.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { RawApi } from '../crds/raw-api.ts';
import { AccountFolder, DirectClient } from './fixtures/direct-client.ts';

const NAMESPACE = 'direct-mode';
const ROLE = parse(
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'operator', 'deploy', 'direct-mode.yaml'), 'utf8'),
) as { metadata: { name: string }; rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] };

const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const CORE = `/api/v1/namespaces/${NAMESPACE}`;
const SPLIT = `/apis/split.smi-spec.io/v1alpha1/namespaces/${NAMESPACE}/trafficsplits/web`;
const SLICE = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;

describe('ClusterRole weft-proxy-direct', () => {
  for (const { id, group, plural, watched } of WATCHED_KINDS)
    it(`lets a proxy list and watch ${id}, at a version that is stored`, () => {
      const rule = ROLE.rules.find(
        ({ apiGroups, resources }) => apiGroups.includes(group) && resources.includes(plural),
      );
      expect(rule?.verbs).to.deep.equal(['list', 'watch']);
      const stored = loadManifests().find(({ spec }) => spec.group === group && spec.names.plural === plural);
      const version = stored?.spec.versions.find(({ storage }) => storage)?.name;
      if (stored !== undefined) expect(watched).to.equal(version);
    });
});

describe('direct mode at a real API server', function () {
  this.timeout(60_000);
  let server: TestApiServer;
  let api: RawApi;
  let account: AccountFolder;
  let direct: DirectClient;
  let webIp: string;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    server = await sharedApiServer();
    api = new RawApi(server);
    for (const manifest of loadManifests()) await api.install(manifest);
    await api.createNamespace(NAMESPACE);
    await apply(`${CORE}/serviceaccounts/web`, { apiVersion: 'v1', kind: 'ServiceAccount' });
    webIp = await createService('web');
    await createService('canary');
    await putSlice('10.1.0.1', '10.1.0.2');
    account = new AccountFolder(await token(), server.caPem);
    direct = new DirectClient(
      { host: '127.0.0.1', port: server.port, serverName: 'kubernetes.default.svc', accountDir: account.path },
      { namespace: NAMESPACE },
    ).start();
    direct.state.destination(webIp, 80);
  });

  after(() => {
    direct?.source.stop();
    account?.remove();
    api?.close();
  });

  async function apply(path: string, body: object): Promise<Record<string, unknown>> {
    const name = path.split('/').at(-1);
    const answer = await api.apply(path, { ...body, metadata: { name } }, 'weft-test');
    expect(answer.status, JSON.stringify(answer.body)).to.be.within(200, 201);
    return answer.body;
  }

  async function createService(name: string): Promise<string> {
    const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }];
    const body = await apply(`${CORE}/services/${name}`, { apiVersion: 'v1', kind: 'Service', spec: { ports } });
    return (body['spec'] as { clusterIP: string }).clusterIP;
  }

  async function putSlice(...addresses: string[]): Promise<void> {
    const { status, body } = await api.apply(
      `${SLICE}/web-a`,
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'web-a', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      },
      'weft-test',
    );
    expect(status, JSON.stringify(body)).to.be.within(200, 201);
  }

  function putSplit(weights: Record<string, number>): Promise<unknown> {
    const backends = Object.entries(weights).map(([service, weight]) => ({ service, weight }));
    const kind = { apiVersion: 'split.smi-spec.io/v1alpha1', kind: 'TrafficSplit' };
    return apply(SPLIT, { ...kind, spec: { service: 'web', backends } });
  }

  async function token(): Promise<string> {
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { body } = await api.send('POST', `${CORE}/serviceaccounts/web/token`, request);
    return (body['status'] as { token: string }).token;
  }

  it('is refused until its ServiceAccount is bound to the role, and needs no restart then', async () => {
    await eventually('the refusal', () =>
      direct.log.lines.some(({ fields }) => String(fields['error']).includes('403')),
    );
    expect(direct.batches).to.deep.equal([]);
    await apply(`${RBAC}/clusterroles/${ROLE.metadata.name}`, ROLE);
    await apply(`${RBAC}/clusterrolebindings/direct-mode-test`, {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: ROLE.metadata.name },
      subjects: [{ kind: 'ServiceAccount', name: 'web', namespace: NAMESPACE }],
    });
    await eventually('the endpoints', () => direct.endpoints(webIp, 80)?.length === 2, 30_000);
    await eventually('connected', () => direct.state.status.connected);
  });

  it('follows edits', async () => {
    await putSplit({ web: 900, canary: 100 });
    await eventually('the split', () => direct.backends(webIp, 80)?.join() === 'web 900000,canary 100000');
    await putSlice('10.1.0.3');
    await eventually('the endpoint', () => direct.endpoints(webIp, 80)?.includes('10.1.0.3'));
  });

  it('serves on while the API server is away, shows it, and catches up', async () => {
    await server.halt('SIGKILL');
    try {
      await eventually('staleness is visible', () => !direct.state.status.connected);
      expect(direct.endpoints(webIp, 80)).to.include('10.1.0.3');
    } finally {
      await server.restart();
    }
    await putSplit({ web: 1, canary: 0 });
    await eventually('the edit', () => direct.backends(webIp, 80)?.join() === 'web 1000,canary 0', 40_000);
    await eventually('connected', () => direct.state.status.connected, 40_000);
  });
});
