/**
 * `make show-drift`, for one installation (base, ha, split-roles, minimal): what Helm and kubectl make of the packages is applied by Argo CD's and by Flux' name, with the
 * samples, and then ordinary life goes on for MINUTES (default 60). Both tools' engines find nothing that they would change: at once, again and again, at the end, after
 * rotations. QUIET_MINUTES are spent before that in which nothing changes, and nothing is written. Exit code 1 where that does not hold. To be run in a network namespace of its own, as hack/gitops/show-drift does: it takes the addresses of pods and Services.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { VARIANTS } from './packages.ts';
import { World } from './world.ts';

const MINUTES = Number(process.env['MINUTES'] ?? 60);
/** For so long nothing changes, before life begins: nothing is to be written. */
const QUIET_MINUTES = Number(process.env['QUIET_MINUTES'] ?? 0);
/** What counts merely is written within ten seconds, and the rest of a start soon. */
const SETTLED_MS = 60_000;
/** Parts of the time after which is compared. */
const MOMENTS = [1 / 12, 1 / 4, 1 / 2, 3 / 4, 1];
const ROTATED_AT = 1 / 2;
const INTERRUPTED = 130;
const SHOWN_LENGTH = 2_000;

const name = process.argv[2] ?? 'base';
const beganMs = performance.now();
let failed = 0;

function say(text: string): void {
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  const time = `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  console.log(`${time} ${name}: ${text}`);
}

function judged(what: string, findings: readonly string[], none = 'no difference'): void {
  failed += findings.length;
  say(findings.length === 0 ? `${what}: ${none}` : `${what}: ${findings.length} FINDINGS`);
  for (const finding of findings) console.log(`  ! ${finding.slice(0, SHOWN_LENGTH)}`);
}

async function hour(world: World): Promise<void> {
  judged('what helm template says twice, and kubectl kustomize', world.sameness);
  judged(`${world.git.size} objects applied by both tools, nothing runs yet`, await world.git.findings());
  await world.run();
  judged('the operator runs, and has said of everything that it is ready', await world.git.findings());
  if (QUIET_MINUTES > 0) await quiet(world);
  if (MINUTES > 0) await life(world);
}

async function quiet(world: World): Promise<void> {
  await sleep(SETTLED_MS);
  const writes = await world.quiet(QUIET_MINUTES * 60_000);
  judged(`written in ${QUIET_MINUTES} minutes in which nothing changes, beside the lease`, writes, 'nothing');
}

async function life(world: World): Promise<void> {
  world.life.start();
  const startMs = performance.now();
  for (const moment of MOMENTS) {
    await sleep(Math.max(0, startMs + moment * MINUTES * 60_000 - performance.now()));
    if (moment === ROTATED_AT) await rotated(world);
    judged(
      `after ${Math.round(moment * MINUTES * 10) / 10} minutes (${await world.account()})`,
      await world.git.findings(),
    );
  }
  await rotated(world);
  judged('after another rotation', await world.git.findings());
  judged('what helm template says now', await world.rendered());
}

async function rotated(world: World): Promise<void> {
  say(`rotated by a commit of spec.identity.rotation: ${await world.rotate()}`);
}

async function main(): Promise<void> {
  const variant = VARIANTS.get(name);
  if (variant === undefined) throw new Error(`none of ${[...VARIANTS.keys()].join(', ')}: ${name}`);
  const world = await World.start(variant, MINUTES);
  const end = (code: number) => void world.stop().finally(() => process.exit(code));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(INTERRUPTED));
  process.once('uncaughtException', (error) => {
    console.error(error);
    end(1);
  });
  try {
    await hour(world);
  } finally {
    await world.stop();
  }
}

await main();
process.exitCode = failed === 0 ? 0 : 1;
