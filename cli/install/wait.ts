import type { Clock } from '../../lib/clock.ts';
import { CliError } from '../errors.ts';
import type { Api } from './api.ts';
import { type Identity, type KubeObject, nameOf } from './object.ts';

const POLL_MS = 300;

/** What waiting needs of the world. */
export interface Waiting {
  api: Pick<Api, 'get'>;
  clock: Pick<Clock, 'nowMs'>;
  sleep(ms: number): Promise<void>;
}

/**
 * Asks for an object until it is as wanted.
 * @param isSo null where there is no such object
 * @throws CliError WEFT_INSTALL_TIMEOUT
 */
export async function until(
  { api, clock, sleep }: Waiting,
  identity: Identity,
  what: string,
  limitMs: number,
  isSo: (object: KubeObject | null) => boolean,
): Promise<void> {
  const deadlineMs = clock.nowMs() + limitMs;
  while (!isSo(await api.get(identity))) {
    if (clock.nowMs() >= deadlineMs) {
      throw new CliError('WEFT_INSTALL_TIMEOUT', `${nameOf(identity)} is not ${what} after ${limitMs / 1000} s`);
    }
    await sleep(POLL_MS);
  }
}

/** Condition `Established` of a CustomResourceDefinition: its objects are served. */
export function isEstablished(object: KubeObject | null): boolean {
  const conditions = (object as { status?: { conditions?: Condition[] } } | null)?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}

interface Condition {
  type: string;
  status: string;
}

interface DeploymentState {
  metadata: { generation?: number };
  spec: { replicas?: number };
  status?: { observedGeneration?: number; replicas?: number; updatedReplicas?: number; availableReplicas?: number };
}

/** As `kubectl rollout status` has it: every replica is of the present template and available, and no other is left. */
export function isRolledOut(object: KubeObject | null): boolean {
  if (object === null) return false;
  const { metadata, spec, status = {} } = object as unknown as DeploymentState;
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
  const wanted = spec.replicas ?? 1;
  if (observedGeneration < (metadata.generation ?? 0)) return false;
  return updatedReplicas >= wanted && replicas === updatedReplicas && availableReplicas >= updatedReplicas;
}
