import type { ResourceCache } from '../../crds/compile/resource-cache.ts';
import type { Session } from './session.ts';
import type { ServedEndpoints } from './types.ts';

/** What proxies ask for of the endpoints of Services, by Service and port, for both IP families together. */
export function servedEndpoints(cache: ResourceCache<Session>): Iterable<ServedEndpoints> {
  const found = new Map<string, ServedEndpoints>();
  for (const { key, compiled, versions, audiences } of cache.resources) {
    if (key.kind !== 'endpoints') continue;
    const { namespace, service, port } = key;
    const id = `${namespace}/${service}:${port}`;
    const known = found.get(id) ?? {
      namespace,
      service,
      port,
      ...{ subscribers: 0, updates: 0, endpoints: 0, exists: false },
    };
    found.set(id, known);
    for (const { subscribers } of audiences) known.subscribers += subscribers.size;
    known.updates += versions;
    if (compiled === null) continue;
    known.exists = true;
    if (compiled.body !== null && 'endpoints' in compiled.body) known.endpoints += compiled.body.endpoints.length;
  }
  return found.values();
}
