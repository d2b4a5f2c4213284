import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Registry } from 'prom-client';
import { readConfig, settingNames } from '../../../operator/config.ts';
import { Controller } from '../../../operator/runtime/controller.ts';
import type { InformerStats } from '../../../operator/runtime/informer.ts';
import { LeaderElector } from '../../../operator/runtime/leader-elector.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { AdminServer } from '../../../operator/telemetry/admin.ts';
import { type CacheView, cacheCheck, registerCacheMetrics } from '../../../operator/telemetry/cache-metrics.ts';
import { type CertificateDates, registerCertificateMetrics } from '../../../operator/telemetry/certificate-metrics.ts';
import { clientMetrics } from '../../../operator/telemetry/client-metrics.ts';
import { configMetrics } from '../../../operator/telemetry/config-metrics.ts';
import { definitionMetrics } from '../../../operator/telemetry/definition-metrics.ts';
import { lackMetrics } from '../../../operator/telemetry/lack-metrics.ts';
import { replicaMetrics } from '../../../operator/telemetry/replica-metrics.ts';
import { RuntimeMetrics } from '../../../operator/telemetry/runtime-metrics.ts';
import { serverMetrics } from '../../../operator/telemetry/server-metrics.ts';
import { trafficMetrics } from '../../../operator/telemetry/traffic-metrics.ts';
import { vizMetrics } from '../../../operator/telemetry/viz-metrics.ts';
import { certificateMetrics, injectionMetrics, webhookMetrics } from '../../../operator/telemetry/webhook-metrics.ts';
import { FakeClock, settle } from '../../fakes/clock.ts';
import { FakeLease } from '../../fakes/lease.ts';

/** Value of each series. */
async function series(registry: Registry): Promise<Map<string, number>> {
  const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const STATS: InformerStats = {
  lists: 2,
  listErrors: 1,
  watches: 3,
  events: 40,
  missed: 5,
  restarts: { closed: 1, expired: 2, idle: 3, missed: 4, throttled: 5, error: 6 },
  lastContactMs: 0,
  lastEventMs: 0,
  size: 7,
  handlerErrors: 8,
  transformErrors: 9,
};

function cache(overrides: Partial<CacheView> = {}): CacheView {
  return { name: 'services', hasSynced: true, isAbsent: false, silentMs: 1_000, stats: STATS, ...overrides };
}

describe('metrics under the names of controller-runtime and client-go', () => {
  it('exist with value zero before anything has happened', async () => {
    const registry = new Registry();
    const metrics = new RuntimeMetrics(registry, new FakeClock());
    metrics.observersFor('mesh');
    webhookMetrics(registry, ['/inject']);
    certificateMetrics(registry);
    const values = await series(registry);
    for (const name of [
      'controller_runtime_reconcile_total{controller="mesh",result="success"}',
      'controller_runtime_reconcile_total{controller="mesh",result="error"}',
      'controller_runtime_reconcile_total{controller="mesh",result="requeue"}',
      'controller_runtime_reconcile_total{controller="mesh",result="requeue_after"}',
      'controller_runtime_reconcile_errors_total{controller="mesh"}',
      'controller_runtime_terminal_reconcile_errors_total{controller="mesh"}',
      'controller_runtime_reconcile_panics_total{controller="mesh"}',
      'controller_runtime_reconcile_timeouts_total{controller="mesh"}',
      'controller_runtime_reconcile_time_seconds_count{controller="mesh"}',
      'workqueue_adds_total{name="mesh"}',
      'workqueue_retries_total{name="mesh"}',
      'workqueue_queue_duration_seconds_count{name="mesh"}',
      'workqueue_work_duration_seconds_count{name="mesh"}',
      'controller_runtime_webhook_requests_total{webhook="/inject",code="200"}',
      'controller_runtime_webhook_requests_total{webhook="/inject",code="500"}',
      'controller_runtime_webhook_latency_seconds_count{webhook="/inject"}',
      'controller_runtime_webhook_requests_in_flight{webhook="/inject"}',
      'controller_runtime_webhook_panics_total',
      'certwatcher_read_certificate_total',
    ]) {
      expect(values.get(name), name).to.equal(0);
    }
  });

  it('follow queue and controller', async () => {
    const registry = new Registry();
    const clock = new FakeClock();
    const metrics = new RuntimeMetrics(registry, clock);
    const finish: (() => void)[] = [];
    const controller = new Controller({
      name: 'mesh',
      clock,
      log: silentLog,
      workers: 2,
      reconcile: () => new Promise((resolve) => finish.push(() => resolve(undefined))),
      ...metrics.observersFor('mesh'),
    });
    metrics.watch(controller);
    for (const key of ['a', 'b', 'c']) controller.queue.add(key);
    controller.start();
    await clock.advance(2_000);
    const running = await series(registry);
    expect(running.get('workqueue_depth{name="mesh"}')).to.equal(1);
    expect(running.get('controller_runtime_active_workers{controller="mesh"}')).to.equal(2);
    expect(running.get('controller_runtime_max_concurrent_reconciles{controller="mesh"}')).to.equal(2);
    expect(running.get('workqueue_unfinished_work_seconds{name="mesh"}')).to.equal(4);
    expect(running.get('workqueue_longest_running_processor_seconds{name="mesh"}')).to.equal(2);
    for (let done = 0; done < 3; done++) {
      finish[done]!();
      await settle();
    }
    const after = await series(registry);
    expect(after.get('controller_runtime_reconcile_total{controller="mesh",result="success"}')).to.equal(3);
    expect(after.get('workqueue_work_duration_seconds_count{name="mesh"}')).to.equal(3);
    expect(after.get('workqueue_longest_running_processor_seconds{name="mesh"}')).to.equal(0);
    const { observer, queueObserver } = metrics.observersFor('mesh');
    observer.finished('error', 1);
    observer.terminal();
    observer.panicked();
    observer.timedOut();
    queueObserver.retried();
    const failed = await series(registry);
    for (const name of ['reconcile_errors', 'terminal_reconcile_errors', 'reconcile_panics', 'reconcile_timeouts']) {
      expect(failed.get(`controller_runtime_${name}_total{controller="mesh"}`), name).to.equal(1);
    }
    expect(failed.get('workqueue_retries_total{name="mesh"}')).to.equal(1);
  });

  it('tell who leads', async () => {
    const registry = new Registry();
    const clock = new FakeClock();
    const elector = new LeaderElector({
      identity: 'a',
      lease: new FakeLease().client(),
      clock,
      random: () => 0,
      log: silentLog,
      onStarted() {},
      onLost() {},
    });
    new RuntimeMetrics(registry, clock).watchElection('weft-operator', elector);
    const leads = 'leader_election_master_status{name="weft-operator"}';
    expect((await series(registry)).get(leads)).to.equal(0);
    elector.start();
    await clock.advance(0);
    const values = await series(registry);
    expect(values.get(leads)).to.equal(1);
    expect(values.get('leader_election_slowpath_total{name="weft-operator"}')).to.equal(0);
    await elector.release();
  });

  it('count injections by owner, namespace and reason, and bound what creators of pods can make of it', async () => {
    const registry = new Registry();
    const injections = injectionMetrics(registry);
    const pod = {
      namespace: 'shop',
      ownerKind: 'deployment',
      annotationAt: 'namespace',
      injected: true,
      skipReasons: [],
    };
    injections.reviewed(pod);
    injections.reviewed({ ...pod, annotationAt: '', injected: false, skipReasons: ['windows_pod', 'mirror_pod'] });
    injections.reviewed({ ...pod, ownerKind: 'whatever' });
    for (let i = 0; i < 2_000; i += 1) injections.reviewed({ ...pod, namespace: `preview-${i}` });
    const values = await series(registry);
    const of = (labels: string) => values.get(`proxy_inject_admission_responses_total{${labels}}`);
    const shop = 'owner_kind="deployment",namespace="shop"';
    expect(of(`${shop},annotation_at="namespace",skip="false",skip_reason=""`)).to.equal(1);
    expect(of(`${shop},annotation_at="",skip="true",skip_reason="windows_pod,mirror_pod"`)).to.equal(1);
    expect(values.get(`proxy_inject_admission_requests_total{${shop},annotation_at=""}`)).to.equal(1);
    const other = 'namespace="shop",annotation_at="namespace",skip="false",skip_reason=""';
    expect(of(`owner_kind="other",${other}`)).to.equal(1);
    const beyond = 'owner_kind="deployment",namespace="other",annotation_at="namespace"';
    expect(values.get(`proxy_inject_admission_requests_total{${beyond}}`)).to.equal(1_001);
    expect(values.size).to.be.lessThan(2_100);
  });

  it('count requests, reviews and certificates', async () => {
    const registry = new Registry();
    clientMetrics(registry).finished({ code: '200', method: 'GET', host: 'h' }, 0.1);
    const webhooks = webhookMetrics(registry, ['/inject']);
    webhooks.started('/inject');
    webhooks.started('/etc/passwd');
    webhooks.answered('/inject', 5);
    webhooks.failed('/etc/passwd', 404);
    webhooks.failed('/inject', 500);
    webhooks.ended('/inject');
    certificateMetrics(registry).renewed();
    const values = await series(registry);
    expect(values.get('rest_client_requests_total{code="200",method="GET",host="h"}')).to.equal(1);
    expect(values.get('rest_client_request_duration_seconds_count{verb="GET",host="h"}')).to.equal(1);
    expect(values.get('controller_runtime_webhook_requests_in_flight{webhook="/inject"}')).to.equal(0);
    expect(
      values.get('controller_runtime_webhook_requests_total{webhook="other",code="404"}'),
      'paths are no labels',
    ).to.equal(1);
    expect(values.get('controller_runtime_webhook_panics_total')).to.equal(1);
    expect(values.get('certwatcher_read_certificate_total')).to.equal(1);
  });
});

describe('metrics of the configuration stream', () => {
  it('carry kinds, never addresses', async () => {
    const registry = new Registry();
    const metrics = configMetrics(registry);
    metrics.connected(3);
    metrics.subscriptions(9);
    metrics.refused('handshake');
    metrics.batchSent(4, 100);
    metrics.acknowledged(20);
    metrics.written(2);
    metrics.rejected('service/10.0.0.1:80');
    metrics.withheld('endpoints/a/b:80/ipv4');
    metrics.compiled('service', 1, true);
    const values = await series(registry);
    expect(values.get('weft_config_connected_proxies')).to.equal(3);
    expect(values.get('weft_config_changes_total')).to.equal(4);
    expect(values.get('weft_config_sent_bytes_total')).to.equal(100);
    expect(values.get('weft_config_propagation_seconds_bucket{le="0.025"}')).to.equal(1);
    expect(values.get('weft_config_propagation_seconds_bucket{le="0.01"}')).to.equal(0);
    expect(values.get('weft_config_write_seconds_sum')).to.equal(0.002);
    expect(values.get('weft_config_rejected_total{kind="service"}')).to.equal(1);
    expect(values.get('weft_config_withheld_total{kind="endpoints"}')).to.equal(1);
    expect(values.get('weft_config_compilations_total{kind="service",changed="true"}')).to.equal(1);
    expect([...values.keys()].filter((name) => name.includes('10.0.0.1'))).to.deep.equal([]);
  });
});

describe('metrics and readiness of caches', () => {
  it('show every counter, and staleness', async () => {
    const registry = new Registry();
    const stale = cache({ name: 'pods', silentMs: 10_000 });
    registerCacheMetrics(registry, [cache(), stale], 5_000);
    await registry.metrics();
    const values = await series(registry);
    expect(values.get('weft_cache_objects{kind="services"}')).to.equal(7);
    expect(values.get('weft_cache_silent_seconds{kind="pods"}')).to.equal(10);
    expect(values.get('weft_cache_stale{kind="services"}')).to.equal(0);
    expect(values.get('weft_cache_stale{kind="pods"}')).to.equal(1);
    expect(values.get('weft_config_stale_stores')).to.equal(1);
    expect(values.get('weft_cache_missed_events_total{kind="services"}'), 'not added up by scrapes').to.equal(5);
    expect(values.get('weft_cache_watch_restarts_total{kind="services",reason="error"}')).to.equal(6);
    expect(values.get('weft_cache_unreadable_objects_total{kind="services"}')).to.equal(9);
  });

  it('are not ready before the first list, nor while the API server is silent', () => {
    expect(cacheCheck(cache(), 5_000).check()).to.equal(null);
    expect(cacheCheck(cache({ hasSynced: false }), 5_000).check()).to.equal('has not been listed yet');
    expect(cacheCheck(cache({ silentMs: 61_400 }), 5_000).check()).to.equal('the API server has been silent for 61 s');
  });
});

describe('admin server', () => {
  const problems: (string | null)[] = [null, null];
  let server: AdminServer;
  let base: string;

  before(async () => {
    server = new AdminServer({
      host: '127.0.0.1',
      port: 0,
      checks: problems.map((_, i) => ({ name: `check ${i}`, check: () => problems[i]! })),
      metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'up 1\n' }),
    });
    await server.start();
    base = `http://127.0.0.1:${server.port}`;
  });
  after(() => server.stop());

  it('lives while the event loop turns', async () => {
    const answer = await fetch(`${base}/live`);
    expect([answer.status, await answer.text()]).to.deep.equal([200, 'ok\n']);
  });

  it('is ready when every check holds, and names those that do not', async () => {
    expect((await fetch(`${base}/ready?verbose`)).status).to.equal(200);
    problems[1] = 'is broken';
    const answer = await fetch(`${base}/ready`);
    expect(answer.status).to.equal(503);
    expect(await answer.text()).to.equal('[+] check 0\n[-] check 1: is broken\n');
    problems[1] = null;
  });

  it('gives metrics with their content type', async () => {
    const answer = await fetch(`${base}/metrics`);
    expect(answer.headers.get('content-type')).to.equal('text/plain; version=0.0.4');
    expect(await answer.text()).to.equal('up 1\n');
  });

  it('refuses the rest: nothing tells of environment or heap (E12)', async () => {
    for (const path of ['', 'env', 'debug/pprof', 'debug/pprof/heap', 'heapdump', 'json/list']) {
      expect((await fetch(`${base}/${path}`)).status, path).to.equal(404);
    }
    expect((await fetch(`${base}/live`, { method: 'POST' })).status).to.equal(405);
    expect((await fetch(`${base}/live`, { method: 'HEAD' })).status).to.equal(200);
  });

  it('does not start on a port that is taken', async () => {
    const options = {
      host: '127.0.0.1',
      port: server.port,
      checks: [],
      metrics: async () => ({ contentType: '', body: '' }),
    };
    const error = await new AdminServer(options).start().catch((reason: NodeJS.ErrnoException) => reason.code);
    expect(error).to.equal('EADDRINUSE');
  });
});

describe('settings of the operator', () => {
  it('have the defaults of the design', () => {
    expect(readConfig([], {})).to.deep.include({
      namespace: 'weft-system',
      webhookPort: 8443,
      configPort: 8086,
      identityPort: 8080,
      adminPort: 9990,
      watchIdleTimeoutMs: 120_000,
      auditIntervalMs: 600_000,
      leaseMs: 15_000,
      renewDeadlineMs: 10_000,
      retryMs: 2_000,
      shutdownGraceMs: 30_000,
      requireBoundTokens: true,
    });
    expect([...readConfig([], {}).roles]).to.deep.equal(['controllers', 'config', 'identity', 'webhooks', 'viz']);
  });

  it('come from flags, then from the environment', () => {
    const env = {
      POD_NAME: 'op-0',
      WEFT_OPERATOR_ADMIN_PORT: '1',
      WEFT_OPERATOR_CONFIG_PORT: '2',
      WEFT_OPERATOR_HOST: '',
    };
    const config = readConfig(['--admin-port', '3', '--roles', 'config, identity'], env);
    expect(config).to.include({ podName: 'op-0', adminPort: 3, configPort: 2 });
    expect([...config.roles]).to.deep.equal(['config', 'identity']);
  });

  const wrong: [string, NodeJS.ProcessEnv][] = [
    ['WEFT_OPERATOR_ROLES', { WEFT_OPERATOR_ROLES: 'config,cook' }],
    ['WEFT_OPERATOR_ADMIN_PORT', { WEFT_OPERATOR_ADMIN_PORT: '65536' }],
    ['WEFT_OPERATOR_LEASE_MS', { WEFT_OPERATOR_LEASE_MS: '0' }],
    ['WEFT_OPERATOR_LEASE_MS', { WEFT_OPERATOR_LEASE_MS: '15s' }],
    ['WEFT_OPERATOR_LOG_LEVEL', { WEFT_OPERATOR_LOG_LEVEL: 'loud' }],
    ['WEFT_OPERATOR_REQUIRE_BOUND_TOKENS', { WEFT_OPERATOR_REQUIRE_BOUND_TOKENS: 'maybe' }],
  ];
  for (const [name, env] of wrong) {
    it(`${JSON.stringify(env)} is refused by name`, () => expect(() => readConfig([], env)).to.throw(name));
  }
});

describe('metrics of certificates', () => {
  it("give the dates of what is held, none of what is not, and Linkerd's time to live", async () => {
    const registry = new Registry();
    const dates: CertificateDates[] = [];
    const counters = registerCertificateMetrics(
      registry,
      () => dates,
      () => 40_000,
    );
    const before = await series(registry);
    expect(before.has('issuer_cert_ttl_seconds')).to.equal(false);
    expect(before.get('weft_certificate_renewals_total{certificate="webhook-ca"}')).to.equal(0);
    dates.push(
      { name: 'issuer', notAfterMs: 100_000, renewAtMs: null },
      { name: 'control', notAfterMs: 90_000, renewAtMs: 70_000 },
    );
    counters.renewed('control');
    counters.failed('issuer');
    const values = await series(registry);
    expect(values.get('issuer_cert_ttl_seconds')).to.equal(60);
    expect(values.get('weft_certificate_expiry_timestamp_seconds{certificate="issuer"}')).to.equal(100);
    expect(values.has('weft_certificate_renewal_timestamp_seconds{certificate="issuer"}')).to.equal(false);
    expect(values.get('weft_certificate_renewal_timestamp_seconds{certificate="control"}')).to.equal(70);
    expect(values.get('weft_certificate_renewals_total{certificate="control"}')).to.equal(1);
    expect(values.get('weft_certificate_renewal_failures_total{certificate="issuer"}')).to.equal(1);
  });
});

describe('metrics of replicas', () => {
  it('count what is sent, fails and is found, and say what is known of the others', async () => {
    const registry = new Registry();
    const metrics = replicaMetrics(registry, () => ({ reporting: 2, idle: 0, missing: 1 }));
    metrics.sent(100);
    metrics.sent(50);
    metrics.failed('WEFT_REPLICA_SILENT');
    metrics.foundTwice();
    metrics.moved(3);
    const text = await registry.metrics();
    expect(text).to.contain('weft_replicas_followed{state="reporting"} 2').and.to.contain('{state="missing"} 1');
    expect(text)
      .to.contain('weft_replica_reports_sent_total 2')
      .and.to.contain('weft_replica_report_sent_bytes_total 150');
    expect(text).to.contain('weft_replica_report_failures_total{code="WEFT_REPLICA_SILENT"} 1');
    expect(text).to.contain('weft_replica_proxies_twice_total 1').and.to.contain('weft_replica_proxies_moved_total 3');
  });
});

describe('docs/operator.md', () => {
  const text = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'operator.md'), 'utf8');

  it('lists every setting, and no other', () => {
    const listed = [...text.matchAll(/^\| `(--[a-z-]+)` \| `([A-Z_]+)` \|/gm)].map(([, flag, environment]) => ({
      flag,
      environment,
    }));
    expect(listed).to.deep.equal(settingNames());
  });

  it('lists every metric of our own, and no other', async () => {
    const registry = new Registry();
    configMetrics(registry);
    registerCacheMetrics(registry, [cache()], 5_000);
    definitionMetrics(registry, () => 0);
    lackMetrics(registry, () => []);
    serverMetrics(registry);
    vizMetrics(registry);
    replicaMetrics(registry, () => ({ reporting: 0, idle: 0, missing: 0 }));
    trafficMetrics(registry, [], () => ({ proxies: 0, series: 0, bytes: 0, overflowed: 0, watched: false }));
    const dates = [{ name: 'issuer' as const, notAfterMs: 100_000, renewAtMs: null }];
    registerCertificateMetrics(
      registry,
      () => dates,
      () => 40_000,
    );
    const all = (await registry.getMetricsAsJSON()).map(({ name }) => name);
    // Linkerd's name for a fact that has one of ours beside it.
    const names = all.filter((name) => name !== 'issuer_cert_ttl_seconds').sort();
    const listed = [...new Set([...text.matchAll(/`(weft_[a-z_]+)`/g)].map(([, name]) => name))].sort();
    expect(listed).to.deep.equal(names);
  });
});
