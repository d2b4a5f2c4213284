/** What Flux and other users of kstatus make of an object. */
export type Health = 'Terminating' | 'InProgress' | 'Failed' | 'Current';

interface Judged {
  metadata: { generation?: number; deletionTimestamp?: string };
  status?: { observedGeneration?: number; conditions?: readonly { type: string; status: string }[] };
}

/**
 * The order of checks of `cli-utils/pkg/kstatus/status/generic.go` for custom resources, written anew. Conditions are looked at in the order of the list, so the
 * first of Reconciling and Stalled decides.
 */
export function kstatus({ metadata, status }: Judged): Health {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const observed = status?.observedGeneration;
  if (observed !== undefined && observed !== metadata.generation) return 'InProgress';
  for (const { type, status: value } of status?.conditions ?? []) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready !== undefined) return ready.status === 'True' ? 'Current' : 'InProgress';
  return 'Current';
}
