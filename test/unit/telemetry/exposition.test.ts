import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { LATENCY_BUCKETS_MS } from '../../../proxy-image/contract/traffic/latency-buckets.ts';
import { renderMetrics } from '../../../proxy-image/io/telemetry/exposition.ts';
import { Histograms } from '../../../proxy-image/io/telemetry/histogram.ts';
import { renderLabels } from '../../../proxy-image/io/telemetry/labels.ts';
import { readProcessFacts } from '../../../proxy-image/io/telemetry/process.ts';
import { ProxyRecorder } from '../../../proxy-image/io/telemetry/proxy-recorder.ts';
import { TextWriter } from '../../../proxy-image/io/telemetry/text-writer.ts';
import { LoopLag } from '../../../proxy-image/io/transport/awake-clock.ts';
import { LINKERD_FAMILIES } from '../../support/linkerd-families.ts';
import { type Family, parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import {
  applyAll,
  ManualClock,
  newState,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from '../core/fixtures.ts';
import { Bench, routed } from './bench.ts';

function sources(clock = new ManualClock()) {
  const state = newState(clock);
  return {
    clock,
    state,
    recorder: new ProxyRecorder({ clock, podIp: '10.1.0.1', zone: () => state.zone }),
    loopLag: new LoopLag(),
    process: () => ({ cpuSeconds: 1.5, residentBytes: 1024, openFds: 7, maxFds: 1024 }),
    build: { version: '0.1.0', git_sha: 'abc' },
  };
}

/** Some of the histogram's samples, cumulative. */
function lagOf(families: Map<string, Family>): Record<string, number | undefined> {
  const name = 'process_loop_lag_seconds';
  const samples = families.get(name)?.samples ?? [];
  const under = (le: string) => samples.find((each) => each.labels['le'] === le)?.value;
  const named = (suffix: string) => samples.find((each) => each.name === `${name}_${suffix}`)?.value;
  const bounds = ['0.005', '0.25', '0.5', '10', '+Inf'].map((le) => [le, under(le)]);
  return { ...Object.fromEntries(bounds), sum: named('sum'), count: named('count') };
}

/** Samples in an order and shape that do not depend on who wrote them. */
function comparable(families: Map<string, Family>): unknown {
  return [...families.values()].map(({ name, type, help, samples }) => ({
    name,
    type,
    help,
    samples: samples
      .map((sample) => [sample.name, Object.entries(sample.labels).sort(), sample.value])
      .sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  }));
}

describe('text format', () => {
  const nasty = ['plain', 'with "quotes"', 'back\\slash', 'new\nline', 'ünïcode', '', 'a,b="c"} 1'];

  it('says what prom-client says of the same counters, gauges and histograms', async () => {
    const registry = new Registry();
    const writer = new TextWriter();
    const counter = new Counter({
      name: 'c_total',
      help: 'A \\ counter\nof things',
      labelNames: ['x'],
      registers: [registry],
    });
    writer.family('c_total', 'counter', 'A \\ counter\nof things');
    nasty.forEach((value, index) => {
      counter.inc({ x: value }, index + 0.5);
      writer.sample('c_total', renderLabels([['x', value]]), index + 0.5);
    });
    const gauge = new Gauge({ name: 'g', help: 'A gauge', registers: [registry] });
    writer.family('g', 'gauge', 'A gauge');
    for (const value of [-1, 1e21, 1e-9, 123456789.125]) gauge.set(value);
    writer.sample('g', '', 123456789.125);
    const buckets = [...LATENCY_BUCKETS_MS];
    const histogram = new Histogram({
      name: 'h_ms',
      help: 'A histogram',
      labelNames: ['x'],
      buckets,
      registers: [registry],
    });
    writer.family('h_ms', 'histogram', 'A histogram');
    const histograms = new Histograms();
    histograms.open(3);
    for (const value of [0, 0.5, 1, 1.0001, 5, 49_999, 50_000, 50_001, 1e9]) {
      histogram.observe({ x: 'v' }, value);
      histograms.record(3, value);
    }
    histograms.write(writer, 'h_ms', 'x="v"', 3);
    const theirs = parsePrometheusText(await registry.metrics());
    expect(comparable(parsePrometheusText(writer.toString()))).to.deep.equal(comparable(theirs));
  });

  for (const [value, text] of [
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
    [Number.NaN, 'NaN'],
    [1e21, '1e+21'],
    [0.1, '0.1'],
  ] as const) {
    it(`writes ${value} as ${text}`, () => {
      const writer = new TextWriter();
      writer.family('m', 'gauge', 'h');
      writer.sample('m', '', value);
      expect(writer.toString()).to.equal(`# HELP m h\n# TYPE m gauge\nm ${text}\n`);
    });
  }

  it('makes label names of whatever discovery sends, and bounds values', () => {
    expect(renderLabels([['dst_app.kubernetes.io/name', 'x']])).to.equal('dst_app_kubernetes_io_name="x"');
    expect(renderLabels([['1a', 'x']])).to.equal('_1a="x"');
    expect(renderLabels([['a', 'x'.repeat(10_000)]])).to.have.length(512 + 4);
  });
});

describe('/metrics', () => {
  it('shows every family from the start, with help', () => {
    const families = parsePrometheusText(renderMetrics(sources()));
    expect([...families.values()].filter((family) => family.help.length < 5)).to.deep.equal([]);
    for (const name of ['request_total', 'response_total', 'response_latency_ms', 'route_retryable_total']) {
      expect([...families.keys()]).to.include(name);
    }
    expect(sampleValue(families, 'outbound_http_errors_total', { error: 'failfast' })).to.equal(0);
    expect(sampleValue(families, 'weft_outbound_unseen_total', { action: 'refused' })).to.equal(0);
  });

  it('is documented in docs/metrics.md, family by family with its type, and nothing else is', () => {
    const bench = new Bench();
    for (const kind of ['HTTPRoute', 'GRPCRoute']) {
      const entry = routed(bench, kind);
      const outcome = { status: 200, grpcStatus: 0, error: '', durationMs: 1 } as const;
      bench.recorder.routes().outbound.ended(entry, entry.routes.fallback.policy, outcome);
    }
    bench.recorder.connections();
    const families = parsePrometheusText(renderMetrics({ ...sources(), recorder: bench.recorder }));
    const documented = [...readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `([a-z0-9_]+)` \| ([a-z]+) \|/gm)].map(
      ([, name, type]) => `${name} ${type}`,
    );
    expect(documented.sort()).to.deep.equal([...families.values()].map(({ name, type }) => `${name} ${type}`).sort());
  });

  it('says of every family of Linkerd that it has it, or why it has not; and of each whose it is', () => {
    const text = readFileSync('docs/metrics.md', 'utf8');
    const rows = [...text.matchAll(/^\| `([a-z0-9_]+)` \| [a-z]+ \| (Linkerd|Weft) \|/gm)];
    const there = rows.filter(([, , whose]) => whose === 'Linkerd').map(([, name]) => name!);
    const ours = rows.filter(([, , whose]) => whose === 'Weft').map(([, name]) => name!);
    const absent = text.slice(text.indexOf('## What Linkerd has'), text.indexOf('## Bounds'));
    const missing = [...LINKERD_FAMILIES].filter((name) => !there.includes(name));
    expect(missing.filter((name) => !absent.includes(`\`${name}\``))).to.deep.equal([]);
    expect(there.filter((name) => !LINKERD_FAMILIES.has(name))).to.deep.equal([]);
    expect(ours.filter((name) => !/^weft_|^process_loop_lag/.test(name))).to.deep.equal([]);
    expect(rows.length).to.equal([...text.matchAll(/^\| `[a-z0-9_]+` \| (?:counter|gauge|histogram) \|/gm)].length);
  });

  it('tells how current the configuration is', () => {
    const clock = new ManualClock(1000);
    const from = sources(clock);
    const read = () => parsePrometheusText(renderMetrics(from));
    expect(sampleValue(read(), 'weft_config_staleness_seconds')).to.equal(Number.POSITIVE_INFINITY);
    from.state.connectionChanged(true);
    applyAll(from.state, set(WORKLOAD_KEY, workload({}), 'w1'), set(SERVICE_KEY, service(), 's1'));
    from.state.connectionChanged(false);
    clock.ms += 90_000;
    const families = read();
    expect(sampleValue(families, 'weft_config_staleness_seconds')).to.equal(90);
    expect(sampleValue(families, 'weft_config_connected')).to.equal(0);
    expect(sampleValue(families, 'weft_config_resources')).to.equal(2);
    expect(families.get('weft_config_version_info')?.samples.map((sample) => sample.labels)).to.deep.equal([
      { resource: 'workload', version: 'w1' },
    ]);
  });

  it('tells of the certificate, the build and the process', () => {
    const from = sources();
    from.recorder.certificateChanged(2000, 1000);
    from.recorder.unseenPassedThrough();
    for (const seconds of [0.001, 0.3, 60]) from.loopLag.record(seconds);
    const families = parsePrometheusText(renderMetrics(from));
    expect(sampleValue(families, 'control_identity_cert_expiration_timestamp_seconds')).to.equal(2000);
    expect(sampleValue(families, 'control_identity_cert_refreshes_total')).to.equal(1);
    expect(sampleValue(families, 'proxy_build_info', { version: '0.1.0', git_sha: 'abc' })).to.equal(1);
    expect(sampleValue(families, 'process_start_time_seconds')).to.equal(1_800_000_000);
    expect(sampleValue(families, 'process_open_fds')).to.equal(7);
    expect(lagOf(families)).to.deep.equal({
      '0.005': 1,
      '0.25': 1,
      '0.5': 2,
      '10': 2,
      '+Inf': 3,
      sum: 60.301,
      count: 3,
    });
    expect(sampleValue(families, 'weft_outbound_unseen_total', { action: 'passed_through' })).to.equal(1);
  });

  it('reads the facts of the real process', () => {
    const facts = readProcessFacts();
    expect(facts.residentBytes).to.be.greaterThan(1_000_000);
    expect(facts.cpuSeconds).to.be.greaterThan(0);
    expect(facts.openFds).to.be.within(3, facts.maxFds);
  });
});
