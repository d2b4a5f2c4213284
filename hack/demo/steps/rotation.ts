import { applyFaults, BULK_URL, CALLER, noFailure, restarts, runningPods } from '../faults.ts';
import { applyText, getJson, kubectl } from '../kubectl.ts';
import { until } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { LoadControl } from '../traffic.ts';

/** Of each of the two loads: 200 requests a second in all. */
const RPS = 100;
const CONNECTIONS = 8;
const PARTS = ['anchor', 'issuer', 'leaf'] as const;
/** Everybody is connected: nothing waits for more than a look of the operator, and a second of asking. */
const LIMIT_MS = 90_000;

interface Mesh {
  status?: {
    trustedAnchors?: number;
    rotation?: { anchor?: string; issuer?: string; leaf?: string; phase: string; proxies?: string; message?: string };
  };
}

function ask(part: (typeof PARTS)[number], value: string): Promise<unknown> {
  const patch = JSON.stringify({ spec: { identity: { rotation: { [part]: value } } } });
  return kubectl(['patch', 'mesh', 'default', '--type', 'merge', '-p', patch]);
}

async function rotated(part: (typeof PARTS)[number], value: string): Promise<Check> {
  let last: Mesh = {};
  const phases = new Set<string>();
  await ask(part, value);
  const done = await until(`${part} ${value}`, LIMIT_MS, async () => {
    last = await getJson<Mesh>('mesh', 'default');
    const { rotation } = last.status ?? {};
    if (rotation !== undefined) phases.add(rotation.phase);
    return rotation?.phase === 'Done' && rotation[part] === value ? true : null;
  }).catch(() => null);
  const { rotation, trustedAnchors } = last.status ?? {};
  const measured =
    done === null
      ? `${rotation?.phase} ${rotation?.proxies ?? ''} ${rotation?.message ?? ''}`
      : `${(done.ms / 1000).toFixed(1)} s (${[...phases].join(', ')}), ${trustedAnchors} trusted`;
  const holds = done !== null && trustedAnchors === 1;
  return check(`rotation.${part}: ${value}`, `Done within ${LIMIT_MS / 1000} s, one anchor`, measured, holds);
}

async function pods(): Promise<string> {
  const names = [...(await runningPods('bulk')), ...(await runningPods('caller'))].map(({ metadata }) => metadata.name);
  return names.toSorted().join(', ');
}

/** Of this run: a value that was asked with before asks for nothing. */
async function rotations(run: string): Promise<Check[]> {
  const checks: Check[] = [];
  for (const time of ['first', 'second']) {
    for (const part of PARTS) checks.push(await rotated(part, `${run}-${time}`));
  }
  return checks;
}

export const rotation: Step = {
  id: 'rotation',
  title: 'anchor, issuer and certificates rotated twice each by a field of the Mesh, at 200 requests a second',
  commands: [
    'kubectl apply -f samples/faults/faults.yaml',
    `kubectl patch mesh default --type merge -p '{"spec":{"identity":{"rotation":{"anchor":"2026-11-30"}}}}'`,
    'kubectl get mesh default -o yaml   # status.rotation',
  ],
  async run() {
    await applyFaults();
    await applyText(JSON.stringify({ apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' } }));
    const [podsBefore, restartsBefore] = [await pods(), await restarts()];
    const kept = new LoadControl('rotation-kept', CALLER);
    const fresh = new LoadControl('rotation-fresh', CALLER);
    const load = { url: BULK_URL, rps: RPS, phase: 'rotation' };
    const startedMs = performance.now();
    await kept.start({ ...load, connections: CONNECTIONS });
    await fresh.start({ ...load, fresh: true });
    const checks = await rotations(new Date().toISOString().slice(0, 19).replaceAll(':', '.'));
    const seconds = (performance.now() - startedMs) / 1000;
    const minimum = Math.floor(seconds * RPS * 0.9);
    const restarted = (await restarts()) - restartsBefore;
    return [
      ...checks,
      noFailure(`requests on ${CONNECTIONS} connections that stay open`, await kept.stop(), minimum),
      noFailure('requests on a new connection each', await fresh.stop(), minimum),
      check('pods', podsBefore, await pods(), (await pods()) === podsBefore),
      check('containers restarted', '0', restarted, restarted === 0),
    ];
  },
};
