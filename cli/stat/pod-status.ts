import { child, listOf, numberOf, textOf } from '../../crds/parse/metadata.ts';

/** In a word, how a pod is: as `kubectl get pods` says it. @param pod core/v1, unchecked */
export function podStatus(pod: unknown): string {
  if (textOf(child(pod, 'metadata'), 'deletionTimestamp') !== '') return 'Terminating';
  const status = child(pod, 'status');
  const containers = [...listOf(status, 'initContainerStatuses'), ...listOf(status, 'containerStatuses')];
  for (const container of containers) {
    const { waiting, terminated } = statesOf(container);
    if (waiting !== '' && waiting !== 'PodInitializing') return waiting;
    if (terminated !== '') return terminated;
  }
  return textOf(status, 'reason') || textOf(status, 'phase') || 'Unknown';
}

/** Empty: it is not so, or nothing need be said. */
function statesOf(container: unknown): { waiting: string; terminated: string } {
  const state = child(container, 'state');
  const ended = child(state, 'terminated');
  const isFailure = numberOf(ended, 'exitCode') !== 0;
  return {
    waiting: textOf(child(state, 'waiting'), 'reason'),
    terminated: isFailure ? textOf(ended, 'reason') || 'Error' : '',
  };
}
