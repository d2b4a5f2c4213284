import { type Calls, difference, HOPS, observe, POLL, setRate, tallied, type World } from '../poll.ts';
import { sleep, until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { startWeft, weft } from '../weft.ts';

/** Rounds a second: some twice as many requests in all, under the hundred a second that `weft tap` shows of a workload. */
const VOTES_PER_SECOND = 20;
/** The window that verbs look back unless told otherwise, and some more, so that it is full. */
const MINUTE_MS = 65_000;
const TAPPED_MS = 5_000;
/** Of its container. Probes go to another. */
const WEB_PORT = 8080;
const SETTLE_MS = 1_500;

/** Calls of a round of the generator, which leave on a fixed schedule: every tenth voter looks at the page and at the leaderboard too. */
const CALLS_PER_ROUND: Readonly<Record<string, number>> = { web: 2.2, patterns: 2, ballots: 1.1 };
/** Share by which the rate may differ from that of the schedule. */
const TOLERANCE = 0.01;
/** Of the share that succeeds: votes are drawn at random, and the applications were not asked at the same instant (4 σ). */
const DRAWN = 0.02;

/** As `weft stat -o json` has it. Of Services, since probes of the kubelet are no calls that an application counts. */
interface StatRow {
  name: string;
  success: number | null;
  rps: number | null;
}

/** What a workload has answered from one look to the other. @param prefix of the operations that count */
function between(before: World, after: World, app: string, prefix = ''): Calls {
  const answered = (world: World): Calls =>
    tallied(
      (world.get(app) ?? []).map(({ counts }) => counts.received),
      prefix,
    );
  return difference(answered(after), answered(before));
}

function statAgrees(rows: readonly StatRow[], before: World, after: World): Check[] {
  return HOPS.map(({ to }) => {
    const row = rows.find(({ name }) => name === to);
    const counted = between(before, after, to);
    const [rate, success] = [
      VOTES_PER_SECOND * (CALLS_PER_ROUND[to] ?? 0),
      (counted.all - counted.failed) / counted.all,
    ];
    const [measuredRate, measuredSuccess] = [row?.rps ?? 0, row?.success ?? 0];
    const holds = Math.abs(measuredRate - rate) <= TOLERANCE * rate && Math.abs(measuredSuccess - success) <= DRAWN;
    return check(
      `weft stat svc: ${to}, of the last minute`,
      `${rate.toFixed(2)} rps ± ${TOLERANCE * 100} %, as it is sent; ${(success * 100).toFixed(2)} % ± ${DRAWN * 100}, as ${to} has answered`,
      `${measuredRate.toFixed(2)} rps, ${(measuredSuccess * 100).toFixed(2)} %`,
      holds,
    );
  });
}

/** As `weft tap -o json` prints a line; of which only this is looked at. */
interface Tapped {
  proxyDirection: string;
  destination: { port: number };
  requestInitEvent?: { method: string; path: string };
}

/** Each begins and ends with a line that is a brace, as Linkerd's command prints them. */
function documentsOf(lines: readonly string[]): Tapped[] {
  const texts = lines.join('\n').split(/^(?=\{$)/m);
  return texts.filter((text) => text.trim() !== '').map((text) => JSON.parse(text) as Tapped);
}

async function tapped(): Promise<Check[]> {
  await setRate(0);
  await sleep(SETTLE_MS);
  const before = await observe();
  const running = startWeft(['tap', 'deploy/web', '-n', POLL, '-o', 'json', '--max-rps', '1000']);
  // Nothing passes yet: it is given the time to reach the proxy.
  await sleep(3 * SETTLE_MS);
  await setRate(VOTES_PER_SECOND);
  await sleep(TAPPED_MS);
  await setRate(0);
  await sleep(SETTLE_MS);
  const code = await running.interrupt();
  const after = await observe();
  const events = documentsOf(running.lines.map(({ text }) => text));
  const requests = events.filter(
    ({ proxyDirection, destination, requestInitEvent }) =>
      proxyDirection === 'INBOUND' && destination.port === WEB_PORT && requestInitEvent !== undefined,
  );
  const [all, votes] = [between(before, after, 'web').all, between(before, after, 'web', 'POST /votes/').all];
  const shown = requests.filter(
    ({ requestInitEvent }) => requestInitEvent?.method === 'POST' && requestInitEvent.path.startsWith('/votes/'),
  ).length;
  return [
    check(
      'weft tap deploy/web: requests that web has answered',
      `${all}, ${votes} of them votes`,
      `${requests.length}, ${shown} of them votes; exit status ${code}`,
      requests.length === all && shown === votes && all > 100 && code === 0,
    ),
    await firstTenLines(),
    await topmost(),
  ];
}

/** While requests pass. */
async function firstTenLines(): Promise<Check> {
  await setRate(VOTES_PER_SECOND);
  const running = startWeft(['tap', 'deploy/web', '-n', POLL]);
  const { ms } = await until(
    'ten lines of weft tap',
    30_000,
    async () => (running.lines.length >= 10 ? true : null),
    20,
  );
  const code = await running.interrupt();
  const lines = running.lines.slice(0, 10);
  for (const { text } of lines) console.log(`      ${text}`);
  const strange = lines.filter(({ text }) => !/^(?:req|rsp|end|con|cls) /.test(text));
  return check(
    'weft tap deploy/web: ten lines of its form',
    'within 3 s of the call of the command',
    `${(ms / 1000).toFixed(2)} s, the first after ${(lines[0]!.ms / 1000).toFixed(2)} s, ${strange.length} of another form`,
    ms < 3_000 && strange.length === 0 && code === 0,
  );
}

const TOP_COLUMNS = 'Source Destination Method Path Count Best Worst Last Success Rate';

/** What a pipe gets of it: a table after the other. */
async function topmost(): Promise<Check> {
  const running = startWeft(['top', 'deploy/web', '-n', POLL]);
  const seen = () => running.lines.some(({ text }) => /\bPOST\s+\/votes\/\w+\s+[1-9]/.test(text));
  await until('a vote in weft top', 30_000, async () => (seen() ? true : null));
  const code = await running.interrupt();
  const header =
    running.lines
      .find(({ text }) => text.includes('Destination'))
      ?.text.trim()
      .split(/ +/)
      .join(' ') ?? '';
  const holds = header === TOP_COLUMNS && code === 0;
  return check('weft top deploy/web: columns, and votes below', TOP_COLUMNS, `${header}; exit status ${code}`, holds);
}

/** Shows what a user sees. */
async function shown(args: readonly string[]): Promise<void> {
  const { stdout } = await weft(args);
  console.log(`\n      $ weft ${args.join(' ')}`);
  for (const line of stdout.trimEnd().split('\n')) console.log(`      ${line}`);
}

/** While votes are counted for a minute. */
async function minute(): Promise<Check[]> {
  await setRate(VOTES_PER_SECOND);
  const before = await observe();
  await sleep(MINUTE_MS);
  const { stdout } = await weft(['stat', 'svc', '-n', POLL, '-o', 'json']);
  const after = await observe();
  return statAgrees(JSON.parse(stdout) as StatRow[], before, after);
}

/** On the poll that the step before has left. */
export const command: Step = {
  id: 'command',
  title: 'the poll as the command weft shows it',
  commands: ['weft stat deploy -A', `weft routes svc/ballots -n ${POLL}`, `weft edges deploy -n ${POLL}`],
  async run() {
    const checks = await minute();
    await shown(['stat', 'deploy', '-A']);
    await shown(['routes', 'svc/ballots', '-n', POLL]);
    await shown(['edges', 'deploy', '-n', POLL]);
    return checks;
  },
};

/** On the poll too. */
export const tap: Step = {
  id: 'tap',
  title: 'every request of the poll, as it passes',
  commands: [`weft tap deploy/web -n ${POLL}`, `weft top deploy/web -n ${POLL}`],
  run: tapped,
};
