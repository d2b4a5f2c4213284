/**
 * Rows of routes and of authorization, seen on the wire: in a real cluster, from pod to pod. Each prints what is expected and what was measured.
 *
 *   main.ts [--only TEXT] [--keep] [--again]    TEXT: of what a row is about, or of its title
 *                                                --keep: leaves the namespaces there; --again: uses pods that were kept
 *
 * Exit status 0 when every row holds.
 */
import { parseArgs } from 'node:util';
import { applyText, getJson, kubectl } from '../../hack/demo/kubectl.ts';
import { bundleOf } from '../../hack/gateway-api/definitions.ts';
import { addressesOf } from './addresses.ts';
import { authorizationRows } from './authorization/wire.ts';
import { type Timed, timeChanges } from './changes.ts';
import { Objects } from './cluster.ts';
import { Asking } from './pod.ts';
import { routeRows, sharedServices } from './routes.ts';
import type { WireRow } from './row.ts';
import { type Judged, Run } from './run.ts';
import { CLIENTS, type Client, NAMESPACES, namespaces, TARGETS, workloads } from './world.ts';

/** Kinds of which a run makes objects, beside Services. */
const MADE = [
  'httproutes.gateway.networking.k8s.io,grpcroutes.gateway.networking.k8s.io,httproutes.policy.linkerd.io,httpfaults.weft.dev',
  'servers,serverauthorizations,authorizationpolicies,meshtlsauthentications,networkauthentications,httplocalratelimitpolicies',
].join(',');
const PODS_MS = 120_000;

const startedMs = performance.now();
const seconds = (): string => `${((performance.now() - startedMs) / 1000).toFixed(0)} s`;
const say = (text: string): void => console.log(`[${seconds().padStart(5)}] ${text}`);

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
  },
});

const everywhere = Object.values(NAMESPACES);
const json = (objects: readonly object[]): string => objects.map((each) => JSON.stringify(each)).join('\n---\n');

async function preparePods(): Promise<void> {
  if (options.again) {
    for (const namespace of everywhere) {
      await kubectl(['-n', namespace, 'delete', `${MADE},services`, '--all', '--wait=false'], { anyStatus: true });
    }
  } else {
    await kubectl(['delete', 'namespace', ...everywhere, '--ignore-not-found', '--wait=true']);
  }
  await applyText(json(namespaces()));
  await applyText(json(workloads()));
  for (const namespace of everywhere) {
    const ready = ['wait', 'pod', '--all', '--for=condition=Ready', `--timeout=${PODS_MS / 1000}s`];
    await kubectl(['-n', namespace, ...ready], { timeoutMs: PODS_MS + 5_000 });
  }
}

async function podAddresses(): Promise<(client: Client) => string> {
  const { items } = await getJson<{ items: Parameters<typeof addressesOf>[0] }>('pods', '-A');
  return addressesOf(items);
}

/** Of the definition of HTTPRoute that the cluster has. */
async function channelOfRoutes(): Promise<string> {
  const name = 'httproutes.gateway.networking.k8s.io';
  return bundleOf(await getJson<Parameters<typeof bundleOf>[0]>('customresourcedefinition', name)).channel;
}

function openPods(): Map<string, Asking> {
  const pods = [
    ...Object.values(CLIENTS),
    ...Object.entries(TARGETS).map(([pod, { namespace }]) => ({ pod, namespace })),
  ];
  return new Map(pods.map(({ pod, namespace }) => [pod, new Asking(namespace, pod)]));
}

function printTimed(changes: readonly Timed[]): void {
  console.log('\n   changes, timed');
  for (const { title, rule, expected, measured, holds } of changes)
    console.log(`      ${holds ? 'ok  ' : 'FAIL'} ${title}, ${rule}: expected ${expected}; measured ${measured}`);
}

function print(rows: readonly Judged[]): void {
  let about = '';
  for (const { row, answers } of rows) {
    if (row.about !== about) console.log(`\n   ${row.about}`);
    about = row.about;
    const holds = answers.every((answer) => answer.holds);
    console.log(`      ${holds ? 'ok  ' : 'FAIL'} ${row.title} (${row.rule})`);
    for (const { expected, measured, afterMs, holds: thisHolds } of answers)
      console.log(
        `             ${thisHolds ? '' : 'FAIL '}expected ${expected}; measured ${measured} (after ${afterMs.toFixed(0)} ms)`,
      );
  }
}

function summary(rows: readonly Judged[], changes: readonly Timed[]): number {
  const failed = rows.filter(({ answers }) => answers.some(({ holds }) => !holds));
  const asked = rows.flatMap(({ row }) => row.questions.map(({ ask }) => ask.kind));
  const of = (kind: string): number => asked.filter((each) => each === kind).length;
  const late = changes.filter(({ holds }) => !holds);
  console.log(
    `\n${rows.length - failed.length} rows hold, ${failed.length} do not; ${changes.length - late.length} of ${changes.length} changes in time; ${seconds()}`,
  );
  console.log(
    `asked over HTTP/1 ${of('http')}, HTTP/2 ${of('http2')}, gRPC ${of('grpc')}, opaque TCP ${of('tcp')} times, twice each`,
  );
  for (const { row } of failed) console.log(`   FAIL ${row.about}: ${row.title}`);
  return failed.length + late.length === 0 ? 0 : 1;
}

async function main(): Promise<number> {
  await preparePods();
  say('pods are ready');
  const ipOf = await podAddresses();
  const channel = await channelOfRoutes();
  say(`HTTPRoute is of the ${channel} channel`);
  const { rows: routes, absent } = routeRows(channel);
  const wanted = ({ about, title }: WireRow): boolean => `${about}: ${title}`.includes(options.only);
  const rows = [...routes, ...authorizationRows(ipOf)].filter(wanted);
  const pods = openPods();
  const objects = new Objects();
  const run = new Run(objects, pods, say);
  try {
    const judged = await run.of(rows, sharedServices());
    const changes = 'changes'.includes(options.only) ? await timeChanges(objects, pods.get(CLIENTS.one.pod)!) : [];
    say('changes are timed');
    print(judged);
    printTimed(changes);
    console.log('\n   not here');
    for (const [title, why] of Object.entries(absent)) console.log(`      ${title}: ${why}`);
    return summary(judged, changes);
  } finally {
    for (const pod of pods.values()) pod.close();
    if (!options.keep) await kubectl(['delete', 'namespace', ...everywhere, '--wait=false']);
  }
}

process.exitCode = await main();
