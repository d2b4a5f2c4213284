/**
 * The poll: one program, started as one of its four workloads.
 *
 *   poll.mjs patterns   gRPC on PORT (8080)
 *   poll.mjs ballots    gRPC on PORT (8080); votes for FAILING_PATTERN end with INTERNAL
 *   poll.mjs web        HTTP on PORT (8080); calls PATTERNS_ADDRESS and BALLOTS_ADDRESS
 *   poll.mjs voters     VOTES_PER_SECOND to WEB_URL, FAVOURITE_SHARE of them for FAVOURITE
 *
 * Each serves `/healthz` and `/counts` on ADMIN_PORT (9000).
 */
import { startAdmin } from './admin.ts';
import { ballotsServer } from './ballots.ts';
import { Counts } from './counts.ts';
import { patternsServer } from './patterns.ts';
import { listen, shutdown } from './rpc.ts';
import { Voters } from './voters.ts';
import { Web } from './web.ts';

/** A workload that has begun. */
interface Workload {
  stop(): Promise<void>;
  setRate?(perSecond: number): Promise<void>;
}

/** Calls still come until every caller has heard that the pod is gone. */
const DRAIN_MS = 2000;
const LAST_MS = 5000;

const env = (name: string, otherwise: string): string => process.env[name] ?? otherwise;
const HOST = env('HOST', '0.0.0.0');
const PORT = Number(env('PORT', '8080'));

const WORKLOADS: Readonly<Record<string, (counts: Counts) => Promise<Workload>>> = {
  async patterns(counts) {
    const server = patternsServer(counts);
    await listen(server, HOST, PORT);
    return { stop: () => shutdown(server) };
  },
  async ballots(counts) {
    const server = ballotsServer(counts, env('FAILING_PATTERN', ''));
    await listen(server, HOST, PORT);
    return { stop: () => shutdown(server) };
  },
  async web(counts) {
    const addresses = {
      patterns: env('PATTERNS_ADDRESS', 'localhost:8081'),
      ballots: env('BALLOTS_ADDRESS', 'localhost:8082'),
    };
    const web = new Web({ ...addresses, counts });
    web.server.listen(PORT, HOST);
    return { stop: () => web.close() };
  },
  async voters(counts) {
    const voters = new Voters({
      url: env('WEB_URL', 'http://localhost:8080'),
      perSecond: Number(env('VOTES_PER_SECOND', '5')),
      favourite: env('FAVOURITE', ''),
      favouriteShare: Number(env('FAVOURITE_SHARE', '0')),
      counts,
      random: Math.random,
    });
    return { stop: () => voters.stop(), setRate: (perSecond) => voters.setRate(perSecond) };
  },
};

const name = process.argv[2] ?? '';
const begin = Object.hasOwn(WORKLOADS, name) ? WORKLOADS[name] : undefined;
if (begin === undefined) {
  console.error(`unknown workload "${name}": expected ${Object.keys(WORKLOADS).join(', ')}`);
  process.exit(2);
}

const counts = new Counts();
const workload = await begin(counts);
let isReady = true;
startAdmin({
  host: HOST,
  port: Number(env('ADMIN_PORT', '9000')),
  counts,
  isReady: () => isReady,
  setRate: workload.setRate,
});
console.log(`${name} has started`);

process.once('SIGTERM', () => {
  isReady = false;
  setTimeout(() => {
    setTimeout(() => process.exit(0), LAST_MS).unref();
    workload.stop().finally(() => process.exit(0));
  }, DRAIN_MS);
});
