import { applyFile, getJson, kubectl, rollout } from './kubectl.ts';
import { type Check, check } from './step.ts';
import { failures, type Generator, type Phase, sum } from './traffic.ts';

/** The namespace of `samples/faults`. */
export const FAULTS = 'faults';
export const CALLER: Generator = { target: 'deploy/caller', namespace: FAULTS };
export const STRANGER: Generator = { target: 'deploy/stranger', namespace: FAULTS };
export const BULK_URL = 'http://bulk.faults.svc.cluster.local';

export async function applyFaults(): Promise<void> {
  await applyFile('samples/faults/faults.yaml');
  await rollout(FAULTS, 'deploy/bulk', 'deploy/caller', 'deploy/stranger');
}

interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  status: { podIP: string; phase: string };
}

/** Pods that run and are to go on running. */
export async function runningPods(app: string, namespace = FAULTS): Promise<Pod[]> {
  const { items } = await getJson<{ items: Pod[] }>('pods', '-n', namespace, '-l', `app=${app}`);
  return items.filter(({ metadata, status }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined);
}

/** How often the containers of the pods have been restarted, all together. */
export async function restarts(): Promise<number> {
  const path =
    'jsonpath={.items[*].status.initContainerStatuses[*].restartCount} {.items[*].status.containerStatuses[*].restartCount}';
  const { stdout } = await kubectl(['-n', FAULTS, 'get', 'pods', '-o', path]);
  return sum(stdout.trim().split(/\s+/).map(Number));
}

/** The outcome of a load: nothing of it may fail. `minimum`: so many requests must have been sent for it to mean something. */
export function noFailure(what: string, phases: Record<string, Phase>, minimum: number): Check {
  const all = Object.values(phases);
  const failed = sum(all.map(failures));
  const sent = sum(all.map((phase) => phase.sent));
  const examples = all.flatMap((phase) => phase.examples).join('; ');
  return check(
    what,
    `0 failed of ${minimum} or more`,
    `${failed} of ${sent} ${examples}`.trim(),
    failed === 0 && sent >= minimum,
  );
}
