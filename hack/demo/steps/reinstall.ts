import { join } from 'node:path';
import { applyFaults, BULK_URL, CALLER, FAULTS, restarts, runningPods } from '../faults.ts';
import { get, kubectl, ROOT, rollout } from '../kubectl.ts';
import { shell, sleep, until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';

const BACK_MS = 10_000;

function program(...args: string[]) {
  const main = join(ROOT, 'hack', 'install', 'main.ts');
  return shell('node', [main, ...args], { anyStatus: true, timeoutMs: 300_000 });
}

/** What it did is told on stderr, too. */
function outcomeOf({ code, stderr }: { code: number; stderr: string }): string {
  return code === 0 ? 'done' : stderr.trim();
}

/** The identity that the called application was told, by mTLS; `unauthenticated` without. */
async function caller(): Promise<string> {
  const [answer] = await get(CALLER.target, `${BULK_URL}/`, 1, FAULTS);
  if (answer?.status !== 200) return `status ${answer?.status} ${answer?.proxyError ?? ''}`.trim();
  return (JSON.parse(answer.body) as { caller: string }).caller;
}

async function answersAs(wanted: string, limitMs: number): Promise<{ ms: number; last: string }> {
  let last = '';
  const found = await until(`answers as ${wanted}`, limitMs, async () => {
    last = await caller();
    return last === wanted ? true : null;
  }).catch(() => ({ ms: Number.POSITIVE_INFINITY }));
  return { ms: found.ms, last };
}

async function redeploy(): Promise<void> {
  await kubectl(['-n', FAULTS, 'rollout', 'restart', 'deploy/bulk']);
  await rollout(FAULTS, 'deploy/bulk');
}

async function callerPod(): Promise<string> {
  return (await runningPods('caller')).map(({ metadata }) => metadata.name).join(',');
}

const IDENTITY = 'caller.faults.serviceaccount.identity.linkerd.cluster.local';

/** While nobody configures proxies, the called application is replaced, by pods without a proxy: no webhook is there. */
async function whileRemoved(): Promise<Check[]> {
  const refused = await program('--uninstall');
  const pods = (await runningPods('bulk')).map(({ metadata }) => `${FAULTS}/${metadata.name}`);
  const named = pods.every((name) => refused.stderr.includes(name));
  const forced = await program('--uninstall', '--force');
  await redeploy();
  await sleep(2_000);
  return [
    check(
      'make uninstall with injected pods',
      'refused, naming them',
      refused.stderr.trim().slice(0, 300),
      refused.code === 1 && refused.stderr.includes('WEFT_UNINSTALL_INJECTED') && named,
    ),
    check('make uninstall INSTALL_FLAGS=--force', 'done', outcomeOf(forced), forced.code === 0),
  ];
}

async function afterReturn(): Promise<Check[]> {
  const installed = await program();
  const plain = await answersAs('unauthenticated', 30_000);
  await redeploy();
  const mesh = await answersAs(IDENTITY, 30_000);
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  return [
    check('make install', 'done', outcomeOf(installed), installed.code === 0),
    check(
      'an application that was redeployed meanwhile, so without a proxy, answers its caller',
      `within ${BACK_MS / 1000} s of the return`,
      `${seconds(plain.ms)} ${plain.last}`,
      plain.ms <= BACK_MS,
    ),
    check(
      'redeployed again, so with a proxy, it answers over mTLS, to the caller of before',
      `at once, to ${IDENTITY}`,
      `${seconds(mesh.ms)} ${mesh.last}`,
      mesh.ms <= BACK_MS,
    ),
  ];
}

export const reinstall: Step = {
  id: 'reinstall',
  title: 'uninstallation by force, redeployment, reinstallation: old and new pods talk again by themselves',
  commands: [
    'make uninstall',
    'make uninstall INSTALL_FLAGS=--force',
    'kubectl -n faults rollout restart deploy/bulk',
    'make install',
  ],
  async run() {
    await applyFaults();
    const first = await answersAs(IDENTITY, 30_000);
    const pod = await callerPod();
    const before = await restarts();
    const checks = [...(await whileRemoved()), ...(await afterReturn())];
    const restarted = (await restarts()) - before;
    checks.unshift(check('the caller, at first', IDENTITY, first.last, first.last === IDENTITY));
    checks.push(
      check('the caller was neither replaced nor restarted', pod, await callerPod(), (await callerPod()) === pod),
      check('containers restarted', '0', restarted, restarted === 0),
    );
    return checks;
  },
};
