import { KINDS } from '../../crds/kinds/registry.ts';
import type { Clock } from '../../lib/clock.ts';
import { CONTROL_PLANE_NAMESPACE, ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET } from '../../proxy-image/contract/names.ts';
import { VERSION } from '../../proxy-image/contract/version.ts';
import { ApiError, type Cluster, find, list } from '../cluster/cluster.ts';
import { CliError } from '../errors.ts';
import { isOperator, VALUES_ANNOTATION } from '../install/installed-operator.ts';
import { identityOf, type KubeObject } from '../install/object.ts';
import { everyObject, type Installation, installation } from '../install/objects.ts';
import { objectPath } from '../install/resources.ts';
import { SOURCES } from '../install/sources.ts';
import { valuesOfRecord } from '../install/values.ts';
import type { Category } from './facts/check.ts';
import { Facts, type Observed } from './facts/facts.ts';
import { listPaths, type ReadName } from './facts/reads.ts';
import { askRights } from './rights.ts';
import { NotTried, tryInjection, tryValidation } from './trials.ts';

/** Requests that are under way at once: each is a connection at first. */
const PARALLEL = 12;

/** What is read is put here, and why something is not. */
class Readings {
  readonly objects = new Map<ReadName, readonly unknown[]>();
  readonly unread = new Map<ReadName, string>();

  /** @throws CliError what is no answer to this very request */
  async take(name: ReadName, read: () => Promise<readonly unknown[]>): Promise<void> {
    try {
      this.objects.set(name, await read());
    } catch (error) {
      if (error instanceof NotTried) this.unread.set(name, error.message);
      else if (!(error instanceof ApiError) || error.status === 401) throw error;
      // A kind that is not served has no objects.
      else if (error.status === 404) this.objects.set(name, []);
      else this.unread.set(name, error.message);
    }
  }
}

/**
 * Reads once all that the checks of these categories need.
 * @param namespace whose workloads are looked at; `null` = all
 * @throws CliError WEFT_CLI_UNREACHABLE, WEFT_CLI_CREDENTIALS
 */
export async function observe(
  cluster: Cluster,
  clock: Pick<Clock, 'wallMs'>,
  categories: readonly Category[],
  namespace: string | null,
): Promise<Facts> {
  const needs = new Set(categories.flatMap(({ checks }) => checks.flatMap((check) => check.needs)));
  const { gitVersion: serverVersion } = await cluster.request<{ gitVersion: string }>({ path: '/version' });
  const nowMs = clock.wallMs();
  const serverMs = cluster.serverMs?.() ?? null;
  const readings = new Readings();
  const jobs = listPaths()
    .filter(([name]) => needs.has(name))
    .map(
      ([name, path]) =>
        () =>
          readings.take(name, () => list(cluster, path)),
    );
  if (needs.has('controlPlane')) jobs.push(() => readings.take('controlPlane', () => controlPlane(cluster)));
  if (needs.has('definitions')) jobs.push(() => readings.take('definitions', () => definitions(cluster)));
  await inParallel(jobs);
  const observed: Observed = {
    nowMs,
    aheadMs: serverMs === null ? null : serverMs - nowMs,
    serverVersion,
    cliVersion: VERSION,
    namespace,
    wanted: wantedOf(readings.objects.get('controlPlane') ?? []),
    objects: readings.objects,
    unread: readings.unread,
  };
  const facts = new Facts(observed);
  const later: Record<string, () => Promise<readonly unknown[]>> = {
    secrets: () => secrets(cluster, facts),
    anchors: () => anchors(cluster, facts),
    injection: () => tryInjection(cluster, facts),
    validation: () => tryValidation(cluster),
    rights: () => askRights(cluster, observed.wanted),
  };
  const asked = Object.entries(later).filter(([name]) => needs.has(name));
  await inParallel(
    asked.map(
      ([name, ask]) =>
        () =>
          readings.take(name, ask),
    ),
  );
  return facts;
}

/** What the cluster has of an installation; a version of the command may not know all of it. */
async function controlPlane(cluster: Cluster): Promise<KubeObject[]> {
  const wanted = everyObject(SOURCES).controlPlane;
  const found = await Promise.all(wanted.map((object) => find<KubeObject>(cluster, objectPath(identityOf(object)))));
  return found.filter((object) => object !== null);
}

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** One by one: those of a whole cluster may have many MiB of schemas. */
async function definitions(cluster: Cluster): Promise<unknown[]> {
  const own = installation(SOURCES, {}).definitions.map(({ metadata }) => metadata.name);
  const others = KINDS.filter(({ optional }) => optional).map(({ plural, group }) => `${plural}.${group}`);
  const found = await Promise.all([...own, ...others].map((name) => find<unknown>(cluster, `${DEFINITIONS}/${name}`)));
  return found.filter((object) => object !== null);
}

async function secrets(cluster: Cluster, facts: Facts): Promise<unknown[]> {
  const { issuer } = facts.mesh.identity;
  const names = new Set([ISSUER_SECRET, WEBHOOK_AUTHORITY_SECRET, ...(issuer.type === 'Secret' ? [issuer.name] : [])]);
  const path = (name: string) => `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/secrets/${encodeURIComponent(name)}`;
  const found = await Promise.all([...names].map((name) => find<unknown>(cluster, path(name))));
  return found.filter((object) => object !== null).map(withoutKeys);
}

async function anchors(cluster: Cluster, { mesh }: Facts): Promise<unknown[]> {
  const { issuer, trustAnchors } = mesh.identity;
  if (issuer.type === 'Managed' || trustAnchors === null) return [];
  const name = encodeURIComponent(trustAnchors.name);
  const found = await find<unknown>(cluster, `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/configmaps/${name}`);
  return found === null ? [] : [found];
}

/** A private key is of no use here, and cannot be shown by mistake where it is not. */
function withoutKeys(secret: unknown): unknown {
  const { data = {}, ...rest } = secret as { data?: Record<string, string> };
  return {
    ...rest,
    data: Object.fromEntries(Object.entries(data).filter(([name]) => /\.(crt|pem)$/.test(name) && name !== 'key.pem')),
  };
}

/** With the values that the cluster's installation was made with, as far as they can be read. */
function wantedOf(found: readonly unknown[]): Installation {
  const operator = (found as readonly KubeObject[]).find(isOperator);
  try {
    return installation(SOURCES, valuesOfRecord(operator?.metadata.annotations?.[VALUES_ANNOTATION] ?? '{}'));
  } catch (error) {
    if (error instanceof CliError) return installation(SOURCES, {});
    throw error;
  }
}

async function inParallel(jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = [...jobs];
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
