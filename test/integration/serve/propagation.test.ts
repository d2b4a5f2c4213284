import { expect } from 'chai';
import type { ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import { pod, profile, route, service, TestCluster } from '../../support/models.ts';
import type { ProxyClient } from './proxy-client.ts';
import { ServeBench } from './serve-bench.ts';

const SERVICES = 3_000;
const PROXIES = 100;
const CHANGES = 50;

function address(at: number): string {
  return `10.${100 + Math.floor(at / 65_536)}.${Math.floor(at / 256) % 256}.${at % 256}`;
}

function keyOf(at: number): string {
  return `service/${address(at)}:80`;
}

/** `SERVICES` Services with a profile each, in one namespace. */
function largeCluster(): TestCluster {
  const cluster = new TestCluster();
  for (let at = 0; at < SERVICES; at += 1) {
    cluster.apply('Service', service(`s${at}`, address(at)));
    cluster.apply('ServiceProfile', profileOf(at, 'first'));
  }
  for (let at = 0; at < PROXIES; at += 1) cluster.apply('Pod', pod(`p${at}`, `10.1.0.${at}`));
  return cluster;
}

function profileOf(at: number, name: string) {
  const target = { service: `s${at}`, namespace: 'app', domain: 'cluster.local' };
  return profile(`s${at}`, { target, routes: [route(name)] });
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function report(what: string, delaysMs: number[]): string {
  const sorted = delaysMs.toSorted((a, b) => a - b);
  const [p50, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.99)].map((each) => each.toFixed(2));
  return `${what}: p50 ${p50} ms, p99 ${p99} ms, longest ${sorted.at(-1)?.toFixed(2)} ms (${sorted.length} samples)`;
}

/** Figures are printed, not asserted tightly: the machine may be busy. What is asserted would only fail with a wrong order of growth. */
describe(`configuration stream with ${SERVICES} profiles`, function () {
  this.timeout(60_000);
  let bench: ServeBench;
  let writtenMs: number[] = [];

  before(async () => {
    bench = await ServeBench.start({
      cluster: largeCluster(),
      metrics: { written: (delayMs) => writtenMs.push(delayMs) },
    });
  });
  after(() => bench.stop());

  function routeName(client: ProxyClient, at: number): string {
    return client.body<ServiceDestination>(keyOf(at)).policy.rules[0]?.section ?? '';
  }

  async function subscribe(name: string, keys: string[]): Promise<ProxyClient> {
    const client = await bench.connect();
    client.hello('app', name);
    client.send({ type: 'subscribe', keys });
    await client.until(() => keys.every((key) => client.held.has(key)), `${keys.length} keys`);
    await client.settled();
    return client;
  }

  it('recompiles one resource per change and writes it within milliseconds', async () => {
    const keys = Array.from({ length: SERVICES }, (_, at) => keyOf(at));
    const startedMs = performance.now();
    const client = await subscribe('p0', keys);
    const subscribedMs = performance.now() - startedMs;
    writtenMs = [];
    const seenMs: number[] = [];
    const before = client.changes().length;
    for (let turn = 0; turn < CHANGES; turn += 1) {
      const at = (turn * 61) % SERVICES;
      const changedMs = performance.now();
      bench.change(bench.cluster.apply('ServiceProfile', profileOf(at, `turn-${turn}`)));
      await client.until(() => routeName(client, at) === `turn-${turn}`);
      seenMs.push(performance.now() - changedMs);
    }
    await client.settled();
    expect(client.changes().length - before).to.equal(CHANGES);
    console.log(`      ${SERVICES} keys subscribed, compiled and received in ${subscribedMs.toFixed(0)} ms`);
    console.log(`      ${report('event to socket', writtenMs)}`);
    console.log(`      ${report('event to applied in the client', seenMs)}`);
    expect(
      quantile(
        seenMs.toSorted((a, b) => a - b),
        0.5,
      ),
    ).to.be.below(100);
  });

  it(`reaches ${PROXIES} proxies`, async () => {
    const clients: ProxyClient[] = [];
    for (let at = 0; at < PROXIES; at += 1) clients.push(await subscribe(`p${at}`, [keyOf(7)]));
    writtenMs = [];
    for (let turn = 0; turn < 10; turn += 1) {
      bench.change(bench.cluster.apply('ServiceProfile', profileOf(7, `all-${turn}`)));
      for (const client of clients) await client.until(() => routeName(client, 7) === `all-${turn}`);
    }
    expect(writtenMs).to.have.length(10 * PROXIES);
    console.log(`      ${report('event to the socket of each', writtenMs)}`);
    expect(
      quantile(
        writtenMs.toSorted((a, b) => a - b),
        0.5,
      ),
    ).to.be.below(500);
  });
});
