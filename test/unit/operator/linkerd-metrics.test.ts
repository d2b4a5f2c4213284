import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Gauge, Registry } from 'prom-client';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { Informer } from '../../../operator/runtime/informer.ts';
import { lagMs } from '../../../operator/runtime/lag.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import type { CacheView } from '../../../operator/telemetry/cache-metrics.ts';
import { registerCacheMetrics } from '../../../operator/telemetry/cache-metrics.ts';
import { registerCertificateMetrics } from '../../../operator/telemetry/certificate-metrics.ts';
import { clientMetrics } from '../../../operator/telemetry/client-metrics.ts';
import { configMetrics } from '../../../operator/telemetry/config-metrics.ts';
import { definitionMetrics } from '../../../operator/telemetry/definition-metrics.ts';
import { exposition } from '../../../operator/telemetry/exposition.ts';
import {
  lagMetrics,
  registerCacheSizes,
  registerEndpointMetrics,
  type ServedEndpoints,
} from '../../../operator/telemetry/linkerd-metrics.ts';
import { RuntimeMetrics } from '../../../operator/telemetry/runtime-metrics.ts';
import { serverMetrics } from '../../../operator/telemetry/server-metrics.ts';
import { statusMetrics } from '../../../operator/telemetry/status-metrics.ts';
import { certificateMetrics, injectionMetrics, webhookMetrics } from '../../../operator/telemetry/webhook-metrics.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { lintFamilies } from '../../support/prometheus-lint.ts';
import { type Family, parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';

async function scrape(registry: Registry): Promise<Map<string, Family>> {
  return parsePrometheusText(await registry.metrics());
}

function cache(name: string, size: number): CacheView {
  const counts = { lists: 1, listErrors: 0, watches: 1, events: 0, missed: 0, lastContactMs: 0, lastEventMs: 0 };
  const restarts = { closed: 0, expired: 0, idle: 0, missed: 0, throttled: 0, error: 0 };
  const stats = { ...counts, restarts, size, handlerErrors: 0, transformErrors: 0 };
  return { name, hasSynced: true, isAbsent: false, silentMs: 0, stats };
}

const served = (more: Partial<ServedEndpoints>): ServedEndpoints => ({
  ...{ namespace: 'shop', service: 'web', port: 80, subscribers: 1, updates: 1, endpoints: 1, exists: true },
  ...more,
});

describe("metrics of the control plane under Linkerd's names", () => {
  it('tell how many objects of each kind there are, of all groups that have it', async () => {
    const registry = new Registry();
    registerCacheSizes(registry, () => [
      ['Pod', 7],
      ['HTTPRoute', 1],
      ['HTTPRoute', 2],
      ['EndpointSlice', 4],
    ]);
    const families = await scrape(registry);
    const names = ['pod_cache_size', 'httproute_cache_size', 'endpointslices_cache_size'];
    expect([...families.keys()]).to.have.members(names);
    expect(sampleValue(families, 'pod_cache_size', { cluster: 'local' })).to.equal(7);
    expect(sampleValue(families, 'httproute_cache_size', { cluster: 'local' })).to.equal(3);
  });

  it('tell how late a change is known, by the newest of its writers', () => {
    const at = (...times: string[]) => ({ metadata: { managedFields: times.map((time) => ({ time })) } });
    const nowMs = Date.parse('2026-01-01T00:00:10Z');
    expect(lagMs(at('2026-01-01T00:00:03Z', '2026-01-01T00:00:08Z', 'nonsense'), nowMs)).to.equal(2_000);
    expect(lagMs({ metadata: { creationTimestamp: '2026-01-01T00:00:09Z' } }, nowMs)).to.equal(1_000);
    expect(lagMs(at('2026-01-01T00:00:11Z'), nowMs), 'a clock that is ahead').to.equal(0);
    expect(lagMs({ metadata: { name: 'a' } }, nowMs)).to.equal(null);
  });

  it('count what a watch brings, not what a list does', async () => {
    const clock = new FakeClock();
    const lags: [string, number][] = [];
    const object = (version: string) => ({
      metadata: {
        name: 'a',
        uid: 'u',
        resourceVersion: version,
        managedFields: [{ time: new Date(clock.wallMs() - 4_000).toISOString() }],
      },
    });
    const informer = new Informer({
      name: 'pods',
      source: {
        list: async () => ({ items: [object('1')], resourceVersion: '1', continueToken: '' }),
        watch: async (_, observer) => {
          observer.opened();
          observer.event('MODIFIED', object('2'));
          await new Promise(() => {});
        },
      },
      transform: (raw) => raw,
      ...{ clock, random: () => 0, log: silentLog },
      lagged: (name, ms) => lags.push([name, ms]),
    });
    informer.start();
    await clock.advance(100);
    expect(lags).to.have.length(1);
    expect(lags[0]![0]).to.equal('pods');
    expect(lags[0]![1]).to.be.within(4_000, 5_200);
    const registry = new Registry();
    const lagged = lagMetrics(registry);
    lagged(...lags[0]!);
    lagged('httproutes.policy.linkerd.io', 700);
    const families = await scrape(registry);
    const under = (cache: string, le: string) => sampleValue(families, `${cache}_informer_lag_seconds_bucket`, { le });
    expect([under('pods', '2.5'), under('pods', '10')]).to.deep.equal([0, 1]);
    expect(under('httproutes_policy_linkerd_io', '1')).to.equal(1);
  });

  it('tell of the endpoints that proxies ask for, by Service and port, and bound them', async () => {
    const registry = new Registry();
    let all = [
      served({ subscribers: 3, updates: 5, endpoints: 2 }),
      served({ service: 'gone', exists: false, endpoints: 0 }),
    ];
    registerEndpointMetrics(registry, () => all);
    const web = { cluster: 'local', namespace: 'shop', service: 'web', port: '80' };
    const families = await scrape(registry);
    const values = ['subscribers', 'pods', 'exists', 'updates'].map((name) =>
      sampleValue(families, `endpoints_${name}`, web),
    );
    expect(values).to.deep.equal([3, 2, 1, 5]);
    expect(sampleValue(families, 'endpoints_exists', { service: 'gone' })).to.equal(0);
    all = Array.from({ length: 2_500 }, (_, port) => served({ port: port + 1 }));
    const bounded = (await scrape(registry)).get('endpoints_subscribers')!.samples;
    expect(bounded).to.have.length(2_001);
    expect(bounded.find(({ labels }) => labels['service'] === 'other')!.value).to.equal(500);
  });

  it('count requests to the API server as Linkerd does, those without an answer apart', async () => {
    const registry = new Registry();
    const client = clientMetrics(registry);
    client.started();
    client.started();
    client.finished({ code: '200', method: 'GET', host: 'api' }, 0.015);
    const families = await scrape(registry);
    const labels = { client: 'k8s', code: '200', method: 'get' };
    expect(sampleValue(families, 'http_client_requests_total', labels)).to.equal(1);
    expect(sampleValue(families, 'http_client_request_latency_seconds_bucket', { ...labels, le: '0.02' })).to.equal(1);
    expect(sampleValue(families, 'http_client_in_flight_requests', { client: 'k8s' })).to.equal(1);
    expect(sampleValue(families, 'http_client_errors_total', { client: 'k8s' })).to.equal(0);
    client.finished({ code: '<error>', method: 'GET', host: 'api' }, 1);
    const after = await scrape(registry);
    expect(sampleValue(after, 'http_client_errors_total', { client: 'k8s' })).to.equal(1);
    expect(sampleValue(after, 'http_client_in_flight_requests', { client: 'k8s' })).to.equal(0);
  });

  it('count writes of status, those that failed and those that took too long', async () => {
    const registry = new Registry();
    const status = statusMetrics(registry);
    status.written(20);
    status.failed(false);
    status.failed(true);
    const families = await scrape(registry);
    for (const name of ['patches', 'patch_api_errors', 'patch_timeouts']) {
      expect(sampleValue(families, `resource_status_${name}_total`), name).to.equal(1);
    }
    expect(sampleValue(families, 'resource_status_patch_duration_seconds_count')).to.equal(1);
  });
});

describe('the metrics of the operator as a whole', () => {
  /** Whatever the operator registers. */
  function everything(): Registry {
    const registry = new Registry();
    new RuntimeMetrics(registry, systemClock).observersFor('mesh');
    registerCacheMetrics(registry, [cache('pods', 1)], 1_000);
    registerCacheSizes(registry, () => [['Pod', 1]]);
    lagMetrics(registry)('pods', 1);
    registerEndpointMetrics(registry, () => [served({})]);
    const dates = [{ name: 'issuer', notAfterMs: 2_000, renewAtMs: 1_000 } as const];
    registerCertificateMetrics(
      registry,
      () => dates,
      () => 1_000,
    );
    clientMetrics(registry).finished({ code: '200', method: 'GET', host: 'api' }, 1);
    configMetrics(registry);
    definitionMetrics(registry, () => 0);
    serverMetrics(registry);
    statusMetrics(registry);
    webhookMetrics(registry, ['/inject']);
    certificateMetrics(registry);
    injectionMetrics(registry).reviewed({
      ...{ namespace: 'shop"\n', ownerKind: 'deployment', annotationAt: 'workload', injected: true, skipReasons: [] },
    });
    return registry;
  }

  it('spells what is no number as the format does', async () => {
    const registry = new Registry();
    new Gauge({ name: 'lag_seconds', help: 'A gauge without a value.', registers: [registry] }).set(Number.NaN);
    const { body } = await exposition(registry);
    expect(parsePrometheusText(body).get('lag_seconds')!.samples[0]!.value).to.be.NaN;
  });

  it('has nothing that promtool would object to, but the name of a counter of Linkerd', async () => {
    expect(lintFamilies(await scrape(everything()))).to.deep.equal([
      'endpoints_updates: a counter does not end in _total',
    ]);
  });

  it('is documented in docs/operator.md under the names of Linkerd, family by family, and nothing else is', async () => {
    const text = readFileSync('docs/operator.md', 'utf8');
    const section = text.slice(text.indexOf('## Metrics'), text.indexOf('## Rights'));
    const rows = [...section.matchAll(/^\| (.*) \| (?:counter|gauge|histogram) \|/gm)];
    const documented = rows.flatMap(([, names]) => [...names!.matchAll(/`([a-z_0-9<>]+)`/g)].map(([, name]) => name!));
    // Our own: telemetry.test.ts.
    const others = /^(?:controller_runtime|workqueue|rest_client|leader_election|certwatcher|weft)_/;
    const families = [...(await scrape(everything())).keys()].filter((name) => !others.test(name));
    const exposed = families.map((name) =>
      name.replace(/^pods_(?=informer_lag)/, '<plural>_').replace(/^pod_(?=cache_size)/, '<kind>_'),
    );
    expect(documented.filter((name) => !others.test(name)).toSorted()).to.deep.equal(exposed.toSorted());
  });
});
