import type { ApiClient } from '../bench/propagation/api-client.ts';
import type { Fleet } from './fleet.ts';
import { type Collection, collections } from './objects.ts';

const AT_A_TIME = 24;
/** Progress is said after so many objects. */
const SAY_EVERY = 1_000;

/** Says with what a cluster has been filled. */
const MARK = { collection: '/api/v1/namespaces/weft-system/configmaps', name: 'scale' };

/** Writes everything that the cluster is to hold. One that has been filled with it before only gets its endpoints back. */
export async function fill(client: ApiClient, fleet: Fleet, say: (text: string) => void): Promise<void> {
  const { proxies: _, ...filled } = fleet.size;
  const size = JSON.stringify(filled);
  const path = `${MARK.collection}/${MARK.name}`;
  const mark = await client.json<{ data: { size: string } }>('GET', path).catch(() => null);
  if (mark?.data.size === size) {
    say('the cluster has been filled before');
    return restoreEndpoints(client, fleet);
  }
  await fillAll(client, fleet, say);
  const metadata = { name: MARK.name };
  await client.createAll(MARK.collection, [{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { size } }]);
}

async function restoreEndpoints(client: ApiClient, fleet: Fleet): Promise<void> {
  const slices = collections(fleet).find(({ what }) => what === 'EndpointSlices')!;
  await forEach(slices.objects(), async ({ metadata, endpoints }) => {
    const path = `${slices.path(metadata.namespace!)}/${metadata.name}`;
    await client.send('PATCH', path, { endpoints }, 'application/merge-patch+json');
  });
}

async function fillAll(client: ApiClient, fleet: Fleet, say: (text: string) => void): Promise<void> {
  await forEach([...new Set(namespaces(fleet))], async (name) => {
    await client.createAll('/api/v1/namespaces', [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }]);
  });
  for (const collection of collections(fleet)) await fillCollection(client, collection, say);
}

function namespaces({ size }: Fleet): string[] {
  const teams = Array.from({ length: size.namespaces }, (_, at) => `team-${at}`);
  return [...teams, 'weft-system'];
}

async function fillCollection(client: ApiClient, collection: Collection, say: (text: string) => void): Promise<void> {
  const { what, path, status } = collection;
  const objects = collection.objects();
  let written = 0;
  await forEach(objects, async (object) => {
    const of = path(object.metadata.namespace ?? '');
    await client.createAll(of, [object]);
    if (status !== undefined) await setStatus(client, `${of}/${object.metadata.name}/status`, status(object));
    written += 1;
    if (written % SAY_EVERY === 0 || written === objects.length) say(`${written} of ${objects.length} ${what}`);
  });
}

async function setStatus(client: ApiClient, path: string, status: object): Promise<void> {
  await client.send('PATCH', path, { status }, 'application/merge-patch+json');
}

async function forEach<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next]!;
      next += 1;
      await run(item);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}
