import { sumOf } from '../metrics.ts';
import {
  deployPoll,
  difference,
  HOPS,
  type Hop,
  observe,
  POLL,
  seen,
  setRate,
  type Tally,
  tallied,
  type World,
} from '../poll.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { sum } from '../traffic.ts';
import { type Called, liveCounts, liveNumbers } from './live-numbers.ts';

/** As in samples/poll/manifests. */
const SHARE = 0.15;
const VOTES_PER_SECOND = 40;
const RUN_MS = 12_000;
const MINIMUM = 400;
/** Long enough for a proxy to have counted a response that its receiver has in full. */
const SETTLE_MS = 1000;

/** Since the applications were started, or since `before`. */
function called({ from, to, prefix }: Hop, after: World, before: World = new Map()): Called {
  const sent = (world: World): Tally[] => (world.get(from) ?? []).map(({ counts }) => counts.sent);
  return { service: to, ...difference(tallied(sent(after), prefix), tallied(sent(before), prefix)) };
}

function agreement(before: World, after: World, hop: Hop): Check {
  const earlier = seen(before, hop);
  const calls = seen(after, hop).map((each, index) => difference(each, earlier[index]));
  const [first] = calls;
  const same = calls.every(({ all, failed }) => all === first?.all && failed === first.failed);
  return check(
    `calls of ${hop.from} to ${hop.to}, over mTLS: caller, its proxy, receiver's proxy, receiver`,
    'the same four times',
    calls.map(({ all, failed }) => `${all} (${failed} failed)`).join(', '),
    same && (first?.all ?? 0) >= MINIMUM,
  );
}

/** Of the votes in the interval, as the callers' proxies counted them by the routes of the profile. */
function failing(before: World, after: World): Check[] {
  const routed = (world: World, labels: Readonly<Record<string, string>>): number => {
    const dst = `ballots.${POLL}.svc.cluster.local:8080`;
    const pods = world.get('web') ?? [];
    return sum(pods.map(({ metrics }) => sumOf(metrics, 'route_response_total', { dst, ...labels })));
  };
  const during = (labels: Readonly<Record<string, string>>): number => routed(after, labels) - routed(before, labels);
  const votes = during({}) - during({ rt_route: 'Results' });
  const stuck = during({ rt_route: 'VoteHoundstooth' });
  const failed = during({ classification: 'failure' });
  const deviation = Math.abs(stuck / votes - SHARE) / Math.sqrt((SHARE * (1 - SHARE)) / votes);
  const share = `${stuck} of ${votes} = ${((100 * stuck) / votes).toFixed(2)} % (${deviation.toFixed(1)} σ)`;
  return [
    check(
      'share of the votes by route VoteHoundstooth',
      `15 % within 4 σ, ≥ ${MINIMUM} votes`,
      share,
      deviation <= 4 && votes >= MINIMUM,
    ),
    check('calls of ballots that failed: these, and no other', String(stuck), failed, failed === stuck),
  ];
}

export const poll: Step = {
  id: 't',
  title: 'a poll over HTTP and gRPC, counted by the applications and by the mesh',
  commands: [
    'kubectl apply -f samples/poll/manifests -f samples/poll/profiles.yaml',
    'weft stat deploy -n poll',
    'weft routes svc/ballots -n poll',
    'weft edges deploy -n poll',
  ],
  async run() {
    const startedMs = await deployPoll();
    await setRate(0);
    await sleep(SETTLE_MS);
    const before = await observe();
    const told = await liveCounts(POLL);
    await setRate(VOTES_PER_SECOND);
    await sleep(RUN_MS);
    await setRate(0);
    await sleep(SETTLE_MS);
    const after = await observe();
    const live = await liveNumbers(POLL, told, {
      during: HOPS.map((hop) => called(hop, after, before)),
      ever: HOPS.map((hop) => called(hop, after)),
      seconds: Math.ceil((performance.now() - startedMs) / 1000),
    });
    return [...HOPS.map((hop) => agreement(before, after, hop)), ...failing(before, after), ...live];
  },
};
