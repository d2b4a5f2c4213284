import { failureOf } from '../runtime/errors.ts';
import { apiVersionOf, type ResourceType } from './resources.ts';
import type { RestClient } from './rest.ts';

interface ResourceList {
  resources?: { name: string; verbs?: string[] }[];
}

/** What the API server serves of one kind: `status` where its objects have a status subresource that can be patched. */
export type Served = 'absent' | 'without-status' | 'status';

/**
 * By the API server's discovery documents, which every authenticated user may read (ClusterRole `system:discovery`).
 * @throws RequestError
 */
export async function discover(rest: RestClient, type: ResourceType, signal: AbortSignal): Promise<Served> {
  const path = type.group === '' ? `/api/${type.version}` : `/apis/${apiVersionOf(type)}`;
  try {
    const { resources = [] } = await rest.json<ResourceList>({ method: 'GET', path, signal });
    if (!resources.some(({ name }) => name === type.plural)) return 'absent';
    const status = resources.find(({ name }) => name === `${type.plural}/status`);
    return status?.verbs?.includes('patch') === true ? 'status' : 'without-status';
  } catch (error) {
    if (failureOf(error) === 'NotFound') return 'absent';
    throw error;
  }
}
