import { sleep } from '../../hack/demo/shell.ts';
import type { Ask } from './app/contract.ts';
import { authorizationPolicy, byAccount, server, toServer } from './authorization/objects.ts';
import type { Objects } from './cluster.ts';
import type { Asking } from './pod.ts';
import type { Verdict } from './row.ts';
import { FIRST_PORT_OF_CHANGES, NAMESPACES, portOf } from './world.ts';

/** Something that is changed to and fro while a connection is open, and what its next request, or its stream, makes of it. */
interface Change {
  title: string;
  rule: string;
  before: readonly object[];
  ask: Pick<Ask, 'kind' | 'port'>;
  service: string;
  /** In turn. `until`: what tells that it is in force. */
  steps: readonly { write(objects: Objects): Promise<void>; until: string; timed: boolean }[];
}

export interface Timed extends Verdict {
  title: string;
  rule: string;
  expected: string;
}

const TIMES = 10;
/** What is promised of the 99th percentile (docs/performance.md, PROP); here it is asked of the median, of a machine that runs a whole cluster beside. */
const BUDGET_MS = 100;
const LIMIT_MS = 10_000;
/** The connection is open, and has been used, when the change is written. */
const OPENED_MS = 150;
const ROWS = NAMESPACES['shop']!;

function route(kind: 'HTTPRoute' | 'GRPCRoute', name: string, port: number, backend: string): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: { name, namespace: ROWS },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name, port }],
      rules: [{ backendRefs: [{ name: backend, port }] }],
    },
  };
}

function parent(name: string, port: number, of: string, appProtocol: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: ROWS },
    spec: { selector: { app: 'open' }, ports: [{ name: 'p', port, targetPort: portOf(of), appProtocol }] },
  };
}

function ofRoute(kind: 'HTTPRoute' | 'GRPCRoute', port: number, backends: readonly [string, string]): Change {
  const name = `change-${kind.toLowerCase()}`;
  const isGrpc = kind === 'GRPCRoute';
  const to = (backend: string) => ({
    write: (objects: Objects) => objects.change(route(kind, name, port, backend)),
    until: backend,
    timed: true,
  });
  return {
    title: `another backend of a ${kind}`,
    rule: isGrpc ? 'on an open connection of HTTP/2' : 'on a kept connection of HTTP/1',
    before: [
      parent(name, port, backends[0], isGrpc ? 'kubernetes.io/h2c' : 'http'),
      route(kind, name, port, backends[0]),
    ],
    ask: { kind: isGrpc ? 'grpc' : 'http', port },
    service: name,
    steps: [to(backends[1]), to(backends[0])],
  };
}

function ofPolicy(kind: Ask['kind'], index: number, proxyProtocol: string, denied: string, on: string): Change {
  const name = `change-${kind}`;
  const port = FIRST_PORT_OF_CHANGES + index;
  const policy = authorizationPolicy(name, toServer(name), [byAccount('one')]);
  return {
    title: `an AuthorizationPolicy that is deleted, ${proxyProtocol}`,
    rule: on,
    before: [server(name, { podSelector: { matchLabels: { app: 'open' } }, port, proxyProtocol })],
    ask: { kind, port },
    service: 'open',
    steps: [
      // Of a stream it can only be asked whether one that is begun later is let in.
      {
        write: async (objects) => void (await objects.create([[policy]])),
        until: 'target',
        timed: kind !== 'tcp',
      },
      { write: (objects) => objects.delete(policy), until: denied, timed: true },
    ],
  };
}

const CHANGES: readonly Change[] = [
  ofRoute('HTTPRoute', 80, ['v1', 'v2']),
  ofRoute('GRPCRoute', 7070, ['calls-v1', 'calls-v2']),
  ofPolicy('http', 0, 'HTTP/1', '403', 'on a kept connection of HTTP/1'),
  ofPolicy('grpc', 1, 'gRPC', '7', 'on an open connection of HTTP/2'),
  ofPolicy('tcp', 2, 'opaque', 'closed', 'an open stream is ended'),
];

/** One after the other: from the write to the API server until the pod's client, whose connection was open before, has seen it. */
export async function timeChanges(objects: Objects, client: Asking): Promise<Timed[]> {
  const refused = await objects.create([CHANGES.flatMap(({ before }) => before)]);
  if (refused.size > 0) throw new Error([...refused.values()].join('; '));
  const timed: Timed[] = [];
  const addresses = await objects.serviceAddresses();
  for (const change of CHANGES)
    timed.push(await timedChange(change, objects, client, addresses.get(`${ROWS}/${change.service}`) ?? ''));
  return timed;
}

async function timedChange(change: Change, objects: Objects, client: Asking, ip: string): Promise<Timed> {
  const ms: number[] = [];
  const wrong: string[] = [];
  for (let time = 0; time < TIMES; time++) {
    for (const step of change.steps) {
      const taken = await timedStep(change, step, objects, client, ip);
      if (typeof taken === 'string') wrong.push(taken);
      // The first turn brings what the proxies have not asked for yet.
      else if (step.timed && time > 0) ms.push(taken);
    }
  }
  const sorted = ms.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.POSITIVE_INFINITY;
  const figures = `median ${median.toFixed(0)} ms, longest ${(sorted.at(-1) ?? 0).toFixed(0)} ms of ${ms.length}`;
  return {
    title: change.title,
    rule: change.rule,
    expected: `within ${BUDGET_MS} ms of the write`,
    measured: [figures, ...new Set(wrong)].join('; '),
    holds: wrong.length === 0 && median <= BUDGET_MS,
  };
}

/** Milliseconds, or what was wrong. */
async function timedStep(
  { ask }: Change,
  { write, until, timed }: Change['steps'][number],
  objects: Objects,
  client: Asking,
  ip: string,
): Promise<number | string> {
  const asked = { ...ask, ip, method: 'GET', target: '/a.B/Get', headers: [], count: 1, timeoutMs: LIMIT_MS };
  if (!timed) {
    await write(objects);
    return letIn(asked, client);
  }
  const told = client.ask({ ...asked, until });
  await sleep(OPENED_MS);
  const startedMs = performance.now();
  await write(objects);
  const [answer] = (await told).answers;
  const takenMs = performance.now() - startedMs;
  const { seen, status, grpcStatus, error } = answer!;
  const name = seen?.name ?? String(grpcStatus >= 0 ? grpcStatus : status);
  const ofStream = status === 1 ? 'closed' : error;
  const measured = ask.kind === 'tcp' ? ofStream : name;
  return measured === until && (error === '' || ask.kind === 'tcp')
    ? takenMs
    : `${measured} ${error} instead of ${until}`;
}

/** Until a stream is let in. */
async function letIn(asked: Omit<Ask, 'id'>, client: Asking): Promise<number | string> {
  const startedMs = performance.now();
  for (;;) {
    const [answer] = (await client.ask(asked)).answers;
    const takenMs = performance.now() - startedMs;
    if (answer!.status === 1) return takenMs;
    if (takenMs > LIMIT_MS) return `nothing is let in: ${answer!.error}`;
    await sleep(OPENED_MS);
  }
}
