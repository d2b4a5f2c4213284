import { child, listOf, numberOf, textOf } from '../../../crds/parse/metadata.ts';
import { conditionOf } from './conditions.ts';

/** A container of a pod as the kubelet reports it; init containers (native sidecars among them) are containers too. */
export interface ContainerState {
  name: string;
  ready: boolean;
  restarts: number;
  /** Why it does not run (yet), for example `CrashLoopBackOff`; empty while it runs or has ended. */
  waiting: string;
  message: string;
  /** Why it ended the last time, for example `OOMKilled`, and when; empty where it never did. */
  ended: { reason: string; exitCode: number; finishedAt: string } | null;
  running: boolean;
}

export function containerStates(pod: unknown): ContainerState[] {
  const status = child(pod, 'status');
  return [...listOf(status, 'initContainerStatuses'), ...listOf(status, 'containerStatuses')].map(stateOf);
}

function stateOf(raw: unknown): ContainerState {
  const state = child(raw, 'state');
  const waiting = child(state, 'waiting');
  const ended = child(state, 'terminated') ?? child(child(raw, 'lastState'), 'terminated');
  return {
    name: textOf(raw, 'name'),
    ready: child(raw, 'ready') === true,
    restarts: numberOf(raw, 'restartCount'),
    waiting: textOf(waiting, 'reason'),
    message: textOf(waiting, 'message'),
    ended:
      ended === undefined
        ? null
        : {
            reason: textOf(ended, 'reason'),
            exitCode: numberOf(ended, 'exitCode'),
            finishedAt: textOf(ended, 'finishedAt'),
          },
    running: child(state, 'running') !== undefined,
  };
}

const IMAGE_PROBLEMS: readonly string[] = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'];

/** Whether a container waits for an image that cannot be had. */
export function lacksImage({ waiting }: ContainerState): boolean {
  return IMAGE_PROBLEMS.includes(waiting);
}

/** How long ago a container must have ended for that to be history. */
const RECENT_MS = 10 * 60_000;

/** Ends again and again: the kubelet waits before it starts it anew, or did so a moment ago. */
export function isLooping({ waiting, restarts, ended }: ContainerState, nowMs: number): boolean {
  if (waiting === 'CrashLoopBackOff') return true;
  const sinceMs = ended === null ? Number.POSITIVE_INFINITY : nowMs - Date.parse(ended.finishedAt);
  return restarts >= 3 && sinceMs < RECENT_MS;
}

export function endText({ ended, restarts }: ContainerState): string {
  const why = ended === null ? '' : `, the last time with ${ended.reason || 'no reason'} (exit code ${ended.exitCode})`;
  return `has restarted ${restarts} times${why}`;
}

/** Why no node takes the pod; empty where one has. */
export function unschedulable(pod: unknown): string {
  const scheduled = conditionOf(pod, 'PodScheduled');
  return scheduled?.status === 'False' ? scheduled.message || scheduled.reason : '';
}

export function isReady(pod: unknown): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}
