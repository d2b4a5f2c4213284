import { finished, pickEndpoint, started } from '../../proxy-image/core/balance/pick.ts';
import { isFailure } from '../../proxy-image/core/classify/classify.ts';
import { authorizeRequest, InboundPeer } from '../../proxy-image/core/policy/authorize.ts';
import { decideRetry } from '../../proxy-image/core/retry/decide.ts';
import { Xoshiro } from '../../proxy-image/core/rng.ts';
import { pickShare } from '../../proxy-image/core/split/split.ts';
import type { ServiceEntry } from '../../proxy-image/core/state/entries.ts';
import { ProxyRecorder } from '../../proxy-image/io/telemetry/proxy-recorder.ts';
import { asking } from '../support/policy.ts';
import {
  applyAll,
  authorization,
  backend,
  endpoint,
  endpointsKey,
  ManualClock,
  newState,
  portPolicy,
  request,
  route,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from '../unit/core/fixtures.ts';

/**
 * What the decisions and the record-keeping of one request cost, without any input or output. Prints nanoseconds per request; no test, since a figure depends on
 * the machine: run it under both runtimes (`node test/bench/core.ts`, `bun --smol test/bench/core.ts`).
 */
const ROUNDS = 5;
const REQUESTS = 300_000;

interface Case {
  name: string;
  routes: (index: number) => string;
  path: (request: number) => string;
}

const CASES: Case[] = [
  { name: 'no routes', routes: () => '', path: () => '/api/v1/items' },
  { name: '50 literal routes', routes: (i) => `/api/v1/items${i}`, path: (n) => `/api/v1/items${n % 50}` },
  {
    name: '50 literal routes, unique queries',
    routes: (i) => `/api/v1/items${i}`,
    path: (n) => `/api/v1/items${n % 50}?n=${n}`,
  },
  {
    name: '50 segment routes, few paths',
    routes: (i) => `/api/v${i}/items/[^/]*`,
    path: (n) => `/api/v${n % 50}/items/7`,
  },
  {
    name: '50 segment routes, unique paths',
    routes: (i) => `/api/v${i}/items/[^/]*`,
    path: (n) => `/api/v${n % 50}/items/${n}`,
  },
  {
    name: '50 engine routes, unique paths',
    routes: (i) => `/api/v${i}/items/([a-z]+|[0-9]+)`,
    path: (n) => `/api/v${n % 50}/items/${n}`,
  },
];

function prepare(of: Case) {
  const clock = new ManualClock(1);
  const state = newState(clock);
  const recorder = new ProxyRecorder({ clock, podIp: '10.1.0.1', zone: () => state.zone });
  const routes =
    of.name === 'no routes'
      ? []
      : Array.from({ length: 50 }, (_, i) => route(`r${i}`, of.routes(i), { isRetryable: true }));
  const destination = state.destination('10.96.0.1', 80);
  applyAll(
    state,
    set(endpointsKey('web'), { sources: '1', endpoints: Array.from({ length: 3 }, (_, i) => endpoint(`10.0.0.${i}`)) }),
    set(endpointsKey('canary'), { sources: '1', endpoints: [endpoint('10.0.1.1')] }),
    set(SERVICE_KEY, service({ routes, backends: [backend('web', 900), backend('canary', 100)] })),
    set(WORKLOAD_KEY, workload({ '8080': portPolicy({ authorizations: [authorization('a'), authorization('b')] }) })),
  );
  return { clock, state, recorder, destination };
}

function run(of: Case): { outbound: number; inbound: number } {
  const { clock, state, recorder, destination } = prepare(of);
  const rng = new Xoshiro(1);
  const paths = Array.from({ length: REQUESTS }, (_, n) => of.path(n));
  let outbound = Number.POSITIVE_INFINITY;
  let inbound = Number.POSITIVE_INFINITY;
  const port = state.inboundPort(8080);
  const peer = new InboundPeer('10.0.0.9', 'client.shop.serviceaccount.identity.linkerd.cluster.local', true);
  for (let round = 0; round < ROUNDS; round++) {
    let from = process.hrtime.bigint();
    for (let n = 0; n < REQUESTS; n++) {
      clock.ms += 0.01;
      const entry = destination.entry as ServiceEntry;
      const matched = entry.routes.match(request('GET', paths[n]!));
      recorder.routeRequest(matched);
      const { shares, split } = matched.policy.distribution;
      const share = shares[pickShare(split, rng)]!.backend;
      if (share.dispatch.type !== 'balance') throw new Error('no endpoints');
      const { pool, balancer } = share.dispatch;
      const picked = pickEndpoint(pool, share.dispatch, [], rng, clock.ms)!;
      started(picked);
      recorder.outboundRequest(share.authority, picked);
      recorder.routeActualRequest(matched);
      finished(picked, balancer, 1.5, clock.ms);
      const failure = isFailure(matched, 200);
      recorder.outboundResponse(share.authority, picked, 200, -1, failure, 1.5);
      recorder.routeActualResponse(matched, 200, -1, failure);
      decideRetry(failure, true, entry.budget, clock.ms);
      recorder.routeResponse(matched, 200, -1, failure, 1.5);
    }
    outbound = Math.min(outbound, Number(process.hrtime.bigint() - from) / REQUESTS);
    from = process.hrtime.bigint();
    for (let n = 0; n < REQUESTS; n++) {
      const policy = port.policy;
      const decision = authorizeRequest(policy, peer, asking('GET', paths[n]!));
      recorder.inboundAuthorized('http', policy, peer, decision);
      recorder.inboundRequest(policy, peer, decision);
      recorder.inboundResponse(policy, peer, decision, 200, -1, false, 1.5);
    }
    inbound = Math.min(inbound, Number(process.hrtime.bigint() - from) / REQUESTS);
  }
  return { outbound, inbound };
}

console.log(`best of ${ROUNDS} rounds of ${REQUESTS} requests, nanoseconds per request`);
for (const of of CASES) {
  const { outbound, inbound } = run(of);
  console.log(
    `${of.name.padEnd(36)} outbound ${outbound.toFixed(0).padStart(6)}   inbound ${inbound.toFixed(0).padStart(6)}`,
  );
}
