import { formatAddress } from '../../contract/keys.ts';
import type { Change } from '../../contract/messages.ts';
import type { Reader } from '../../contract/read/reader.ts';
import type { Endpoint } from '../../contract/resources.ts';
import { parseEndpointList } from './parse/endpoints.ts';

type Patch = Extract<Change, { op: 'patch' }>;

/** The endpoints that result from a patch. Order: those that stay, then those added; nobody may read meaning into it. */
export function mergePatch(base: readonly Endpoint[], patch: Patch, reader: Reader): Endpoint[] {
  const endpoints = new Map(base.map((endpoint) => [idOf(endpoint), endpoint]));
  for (const id of reader.list(patch.removed, 'removed', (value, path) => reader.text(value, path))) {
    if (!endpoints.delete(id)) reader.fail('removed', `held endpoints; ${id.slice(0, 60)} is not one`);
  }
  for (const endpoint of parseEndpointList(reader, patch.changed, 'changed')) endpoints.set(idOf(endpoint), endpoint);
  for (const endpoint of parseEndpointList(reader, patch.added, 'added')) endpoints.set(idOf(endpoint), endpoint);
  return [...endpoints.values()];
}

function idOf(endpoint: Endpoint): string {
  return formatAddress(endpoint.address, endpoint.port);
}
