import { expect } from 'chai';
import { startApiServer, type TestApiServer } from '../../../hack/apiserver/server.ts';
import { API_SERVER_START_MS } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { lintFamilies } from '../../support/prometheus-lint.ts';
import { type Family, parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { Cluster, Plane } from './plane.ts';

const NAMESPACE = 'shop';
const WEB = { cluster: 'local', namespace: NAMESPACE, service: 'web', port: '80' };

function slice(...ips: string[]) {
  return {
    metadata: { labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80 }],
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
  };
}

/** What Linkerd's dashboards of the control plane ask for, each made to count by what happens in a cluster. */
describe('metrics of the operator at a real API server', function () {
  this.timeout(60_000);
  let api: TestApiServer;
  let cluster: Cluster;
  let plane: Plane;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = await startApiServer();
    cluster = new Cluster(api);
    plane = await new Plane(api, 'op-0', { flags: ['--roles', 'controllers,config,identity'] }).start();
    await plane.ready();
    await cluster.apply('namespaces', '', NAMESPACE, {});
    await cluster.apply('services', NAMESPACE, 'web', {
      spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80 }] },
    });
    await cluster.apply('endpointslices', NAMESPACE, 'web', slice('10.1.0.1'));
  });

  after(async () => {
    await plane?.stop();
    await cluster?.close();
    await api?.stop();
  });

  async function scrape(): Promise<Map<string, Family>> {
    const answer = await fetch(`http://127.0.0.1:${plane.operator.adminPort}/metrics`);
    return parsePrometheusText(await answer.text());
  }

  async function reaches(name: string, labels: Record<string, string>, atLeast: number): Promise<void> {
    await eventually(`${name} of ${JSON.stringify(labels)}: ${atLeast}`, async () => {
      return (sampleValue(await scrape(), name, labels) ?? 0) >= atLeast;
    });
  }

  it('tell of the endpoints that a proxy asks for, and of their changes', async () => {
    const proxy = await plane.proxy(NAMESPACE, 'client');
    proxy.send({ type: 'subscribe', keys: [`endpoints/${NAMESPACE}/web:80/ipv4`] });
    await reaches('endpoints_subscribers', WEB, 1);
    await reaches('endpoints_pods', WEB, 1);
    await cluster.apply('endpointslices', NAMESPACE, 'web', slice('10.1.0.1', '10.1.0.2'));
    await reaches('endpoints_pods', WEB, 2);
    const families = await scrape();
    expect(sampleValue(families, 'endpoints_exists', WEB)).to.equal(1);
    expect(sampleValue(families, 'endpoints_updates', WEB)).to.be.at.least(2);
    await proxy.close();
    await eventually('nobody asks any more', async () => {
      return sampleValue(await scrape(), 'endpoints_subscribers', WEB) === undefined;
    });
  });

  it('tell how many objects the caches hold, and how late they hear of changes', async () => {
    await reaches('service_cache_size', { cluster: 'local' }, 1);
    await reaches('endpointslices_informer_lag_seconds_count', {}, 2);
    const families = await scrape();
    expect(sampleValue(families, 'endpointslices_informer_lag_seconds_bucket', { le: '10' })).to.be.at.least(2);
  });

  it('count requests to the API server, and what is written of statuses', async () => {
    await cluster.apply('servers', NAMESPACE, 'web', {
      spec: { podSelector: { matchLabels: { app: 'web' } }, port: 80 },
    });
    await reaches('resource_status_patches_total', {}, 1);
    const families = await scrape();
    const asked = { client: 'k8s', method: 'get', code: '200' };
    expect(sampleValue(families, 'http_client_requests_total', asked)).to.be.greaterThan(0);
    expect(sampleValue(families, 'http_client_request_latency_seconds_count', asked)).to.be.greaterThan(0);
    expect(sampleValue(families, 'resource_status_patch_duration_seconds_count')).to.be.at.least(1);
    expect(sampleValue(families, 'issuer_cert_ttl_seconds')).to.be.greaterThan(0);
  });

  it('have nothing that promtool would object to, but what Linkerd and the client library name otherwise', async () => {
    const problems = lintFamilies(await scrape()).filter((problem) => !/^(?:nodejs|process)_/.test(problem));
    expect(problems).to.deep.equal(['endpoints_updates: a counter does not end in _total']);
  });
});
