import { Command } from 'commander';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { type Cluster, list } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import type { Context } from '../context.ts';
import { declareGlobals, type Globals } from '../globals.ts';
import type { NamePlace } from '../name-places.ts';
import {
  collectionOf,
  NAMESPACE,
  namesOf,
  POD,
  RESOURCE_KINDS,
  type ResourceKind,
  SERVICE,
  WORKLOAD_KINDS,
} from '../resources/kinds.ts';

/** A shell waits for it between two keys. */
const TIMEOUT_MS = 1_000;
/** More than anybody chooses from by its end. */
const MAX_NAMES = 1_000;

/** Kinds that are offered before one is chosen. */
const OFFERED: readonly ResourceKind[] = [...WORKLOAD_KINDS, POD, SERVICE, NAMESPACE];

/**
 * What may stand where the cursor is: words of the cluster that the options of the line name. Nothing where it does not answer in time, for whatever reason.
 * @param line the command line up to the cursor, the command's own name first
 */
export async function liveNames(context: Context, place: NamePlace, line: string): Promise<string[]> {
  const words = line.split(/\s+/).slice(1);
  const current = words.at(-1) ?? '';
  try {
    return (await candidates(context, globalsIn(words), place, current)).filter((name) => name.startsWith(current));
  } catch {
    return [];
  }
}

/** Of options that every verb takes; whatever else there is, is another's. */
function globalsIn(words: readonly string[]): Globals {
  const program = declareGlobals(new Command())
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  program.allowUnknownOption().allowExcessArguments();
  const before = words.slice(0, -1);
  // Its value is what is under the cursor.
  if (before.at(-1)?.startsWith('-')) before.pop();
  program.parse(before, { from: 'user' });
  return { ...program.opts<Globals>(), requestTimeout: TIMEOUT_MS };
}

async function candidates(context: Context, globals: Globals, place: NamePlace, current: string): Promise<string[]> {
  const ask = async () => connect({ context, globals });
  switch (place) {
    case 'namespace':
      return namesIn(await ask(), NAMESPACE);
    case 'pod':
      return meshedPods(await ask());
    case 'service':
      return namesIn(await ask(), SERVICE);
    case 'resource': {
      const slash = current.indexOf('/');
      if (slash === -1) return OFFERED.map(({ short: [short] }) => `${short}/`);
      const typed = current.slice(0, slash);
      const kind = RESOURCE_KINDS.find((each) => namesOf(each).includes(typed.toLowerCase()));
      return kind === undefined ? [] : (await namesIn(await ask(), kind)).map((name) => `${typed}/${name}`);
    }
  }
}

async function namesIn(cluster: Cluster, kind: ResourceKind): Promise<string[]> {
  const objects = await list<unknown>(cluster, collectionOf(kind, cluster.namespace));
  return objects.map((object) => readMeta(object).name).slice(0, MAX_NAMES);
}

async function meshedPods(cluster: Cluster): Promise<string[]> {
  const pods = await list<unknown>(cluster, collectionOf(POD, cluster.namespace));
  return pods
    .map(reducePod)
    .filter(({ meshed }) => meshed)
    .map(({ meta }) => meta.name)
    .slice(0, MAX_NAMES);
}
