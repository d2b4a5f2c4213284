/**
 * Shows that Flagger, unchanged, releases by this mesh: one canary moves by a TrafficSplit, one by an HTTPRoute, with samples/delivery/flagger. Each is promoted once
 * and rolled back once, under requests that are counted by whom they reach. Some three minutes; exit status 0 when every check holds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyFile, get, getJson, kubectl, rollout } from '../demo/kubectl.ts';
import { sleep, until } from '../demo/shell.ts';
import { type Check, check, runGroup, type Step, type StepResult } from '../demo/step.ts';
import { LoadControl, sum } from '../demo/traffic.ts';
import { readRules } from '../observability/files.ts';
import { Prometheus } from '../observability/prometheus.ts';
import { keepDiscovering, type Place } from '../observability/world.ts';
import { Flagger } from './flagger.ts';
import { foreignFailures, type Version } from './judge.ts';
import { type Delivery, look, NAMESPACE, REQUESTS_PER_SECOND, Release } from './release.ts';

const SAMPLE = 'samples/delivery/flagger';
const CALLER = { target: 'deploy/caller', namespace: NAMESPACE };
const INITIALIZED_MS = 120_000;
const GONE_MS = 90_000;
const QUIET_MS = 3_000;
/** Of a hundred a second: split and backends of a Canary go in no particular order (docs/progressive-delivery.md). */
const TOLERATED_AT_END = 100;
const DELIVERIES: readonly Delivery[] = [
  { app: 'cart', kind: 'trafficsplit', load: new LoadControl('cart', CALLER) },
  { app: 'offers', kind: 'httproute', load: new LoadControl('offers', CALLER) },
];
const GOOD: Version = { version: 'v2', failureRate: 0, end: 'Succeeded' };
const BAD: Version = { version: 'v3', failureRate: 0.2, end: 'Failed' };

const startedMs = performance.now();
function say(text: string): void {
  const clear = process.stdout.isTTY ? '\r\x1b[K' : '';
  console.log(`${clear}   ${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

const urlOf = (app: string): string => `http://${app}.${NAMESPACE}.svc.cluster.local/item`;

async function deploy(): Promise<void> {
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--timeout=90s']);
  await applyFile(`${SAMPLE}/application.yaml`);
  await rollout(NAMESPACE, 'deploy/caller', ...DELIVERIES.map(({ app }) => `deploy/${app}`));
  for (const { app, load } of DELIVERIES) {
    await load.start({ url: urlOf(app), rps: REQUESTS_PER_SECOND, phase: 'v1-begins' });
  }
}

/** An application that is in use comes under Flagger: its Service gets other pods. */
function adopt(delivery: Delivery): Step {
  const file = `${SAMPLE}/${delivery.kind}.yaml`;
  return {
    id: '1',
    title: `${delivery.app} comes under Flagger, by ${delivery.kind}`,
    commands: [`kubectl apply -f ${file}`],
    async run() {
      await applyFile(file);
      const { value } = await until(
        `${delivery.app} is initialized`,
        INITIALIZED_MS,
        async () => {
          const seen = await look(delivery).catch(() => null);
          return seen?.phase === 'Initialized' ? seen : null;
        },
        1_000,
      );
      say(`${delivery.app}: ${value.phase}`);
      await sleep(QUIET_MS);
      await delivery.load.phase('between');
      const report = Object.values(await delivery.load.report());
      const failed = sum(report.flatMap((phase) => Object.values(phase.failedVersions)));
      const sent = sum(report.map((phase) => phase.sent));
      const examples = report.flatMap((phase) => phase.examples).join('; ');
      return [
        check(`${delivery.app}: percent for the canary`, '0', value.weight, value.weight === 0),
        check(`${delivery.app}: failed requests`, '0', `${failed} of ${sent} ${examples}`.trim(), failed === 0),
      ];
    },
  };
}

function release(delivery: Delivery, wanted: Version, prometheus: Prometheus): Step {
  const { app } = delivery;
  const failing = wanted.failureRate > 0 ? ` FAILURE_RATE=${wanted.failureRate}` : '';
  return {
    id: wanted === GOOD ? '2' : '3',
    title: `${app}: ${wanted.version} is ${wanted === GOOD ? 'promoted' : `rolled back, as it fails ${wanted.failureRate * 100} % of its requests`}`,
    commands: [`kubectl -n ${NAMESPACE} set env deployment/${app} SERVICE_VERSION=${wanted.version}${failing}`],
    run: () => new Release(delivery, wanted, prometheus, say).run(),
  };
}

/** What Flagger had created goes with the Canary, by the cluster's garbage collection; the Service has its own pods again. */
function leave(delivery: Delivery): Step {
  const { app, kind, load } = delivery;
  const owned = [`${kind}/${app}`, `deployment/${app}-primary`, `service/${app}-primary`, `service/${app}-canary`];
  return {
    id: '4',
    title: `${app} leaves Flagger`,
    commands: [`kubectl -n ${NAMESPACE} delete canary ${app}`],
    async run() {
      await load.phase('leaves');
      await kubectl(['-n', NAMESPACE, 'delete', 'canary', app, '--timeout=60s']);
      const { ms } = await until(
        `what the Canary of ${app} owned is gone`,
        GONE_MS,
        async () => {
          const left = await kubectl(['-n', NAMESPACE, 'get', ...owned, '--ignore-not-found', '-o', 'name']);
          return left.stdout.trim() === '' ? true : null;
        },
        1_000,
      );
      await sleep(QUIET_MS);
      const { leaves, ...before } = await load.stop();
      const lost = foreignFailures(BAD.version, Object.values(before));
      const caught = foreignFailures(BAD.version, [leaves!]);
      const service = await getJson<{ spec: { selector: object } }>('service', app, '-n', NAMESPACE);
      const selector = JSON.stringify(service.spec.selector);
      const answers = await get(CALLER.target, urlOf(app), 20, NAMESPACE);
      const ok = answers.filter(
        ({ status, body }) => status === 200 || body.includes('failing at the set rate'),
      ).length;
      return [
        check(`${app}: failed requests that ${BAD.version} has not failed itself, in all`, '0', lost, lost === 0),
        check(`${app}: ${owned.join(', ')}`, 'gone', `gone after ${(ms / 1000).toFixed(1)} s`, true),
        check(
          `${app}: failed requests while they go`,
          `${TOLERATED_AT_END} at most`,
          `${caught} of ${leaves!.sent} ${caught > 0 ? leaves!.examples.join('; ') : ''}`.trim(),
          caught <= TOLERATED_AT_END,
        ),
        check(`${app}: pods of its Service`, `{"app":"${app}"}`, selector, selector === `{"app":"${app}"}`),
        check(`${app}: requests that its pods answer`, '20', ok, ok === 20),
      ];
    },
  };
}

async function run(directory: string): Promise<boolean> {
  const groups = readRules().flatMap((file) => file.groups);
  const prometheus = await Prometheus.start({ directory, groups });
  const discovering = keepDiscovering(prometheus, CLUSTER);
  let flagger: Flagger | null = null;
  try {
    say('application and requests');
    await deploy();
    say('Flagger');
    flagger = await Flagger.start({ directory, metricsServer: prometheus.url });
    return await showAll(flagger, prometheus);
  } finally {
    await flagger?.stop();
    await cleanUp();
    await discovering.stop();
    await prometheus.stop();
  }
}

async function showAll(flagger: Flagger, prometheus: Prometheus): Promise<boolean> {
  const groups: (() => Step[][])[] = [
    () => DELIVERIES.map((each) => [adopt(each)]),
    () => DELIVERIES.map((each) => [release(each, GOOD, prometheus)]),
    () => DELIVERIES.map((each) => [release(each, BAD, prometheus)]),
    () => [[halts(flagger)], ...DELIVERIES.map((each) => [leave(each)])],
  ];
  const results: StepResult[] = [];
  for (const group of groups) results.push(...(await runGroup(group())));
  const checks = results.flatMap((result) => result.checks);
  const failed = checks.filter(({ holds }) => !holds).length;
  say(`${checks.length - failed} checks hold, ${failed} do not`);
  return failed === 0;
}

/** A Canary that is left has a finalizer, and nobody who would take it away. */
async function cleanUp(): Promise<void> {
  const patch = JSON.stringify({ metadata: { finalizers: null } });
  for (const { app } of DELIVERIES) {
    await kubectl(['-n', NAMESPACE, 'patch', 'canary', app, '--type=merge', '-p', patch], { anyStatus: true });
  }
  await Flagger.remove();
  await kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false']);
}

/** In Flagger's own words: it has rolled back for what Prometheus said of the traffic, not for want of an answer. */
function halts(flagger: Flagger): Step {
  return {
    id: '4',
    title: 'why Flagger has rolled back',
    commands: [],
    run: async () =>
      DELIVERIES.map(({ app }): Check => {
        const said = flagger
          .messages(`${app}.${NAMESPACE}`)
          .filter((text) => text.includes('advancement success rate'));
        return check(`${app}: halts for its success rate`, 'at least one', said.join('; ') || 'none', said.length > 0);
      }),
  };
}

const CLUSTER: Pick<Place, 'operator'> = { operator: [] };

const directory = mkdtempSync(join(tmpdir(), 'weft-delivery-'));
const holds = await run(directory);
if (holds) rmSync(directory, { recursive: true, force: true });
else console.log(`logs: ${directory}`);
process.exitCode = holds ? 0 : 1;
