import type { Health, Judge } from './judge.ts';
import type { Version } from './recorder.ts';

/** Who calls an object healthy. */
export interface Healthy {
  kstatus: boolean;
  flux: boolean;
  argo: boolean;
}

export async function healthyTo(judge: Judge<Health>, raw: object): Promise<Healthy> {
  const { kstatus, flux, argo } = await judge.ask(raw);
  return {
    kstatus: kstatus.status === 'Current',
    flux: flux.status === 'Current',
    argo: argo?.status === 'Healthy',
  };
}

interface Earlier {
  generation: number;
  /** Somebody has called a version of this generation healthy. */
  wasHealthy: boolean;
}

/**
 * The versions of objects that were called healthy although nobody can have looked at them, or although they cannot be accepted, one sentence each.
 * @param absences revisions between which no operator ran
 */
export async function falselyHealthy(
  versions: readonly Version[],
  absences: readonly { from: number; to: number }[],
  judge: Judge<Health>,
): Promise<string[]> {
  const earlier = new Map<string, Earlier>();
  const found: string[] = [];
  for (const { row, raw, revision } of [...versions].sort((a, b) => a.revision - b.revision)) {
    const { uid = '', generation = 0, name = '', namespace = '' } = raw.metadata ?? {};
    const before = earlier.get(uid);
    const isNew = before?.generation !== generation;
    const healthy = await healthyTo(judge, raw);
    // Of routes kstatus alone knows nothing: that is what the expressions are for.
    const callers = Object.entries(healthy).filter(
      ([who, is]) => is && !(who === 'kstatus' && row.status.form === 'parents'),
    );
    const wasHealthy = callers.length > 0 || (!isNew && before.wasHealthy);
    earlier.set(uid, { generation, wasHealthy });
    if (callers.length === 0) continue;
    const isAbsent = absences.some(({ from, to }) => from < revision && revision <= to);
    const reasons = [
      isNew ? 'nobody can have looked at it' : '',
      isAbsent && (isNew || !before.wasHealthy) ? 'no operator ran' : '',
      row.parse(raw).model === null ? 'it cannot be accepted' : '',
    ].filter((reason) => reason !== '');
    if (reasons.length === 0) continue;
    const who = callers.map(([name]) => name).join(', ');
    found.push(
      `${row.id} ${namespace}/${name} at ${revision}, generation ${generation}: ${who}; ${reasons.join(', ')}`,
    );
  }
  return found;
}
