import { isMetadataEnough } from '../crds/kinds/readers.ts';
import type { KindRow } from '../crds/kinds/row.ts';
import { child, readMeshMeta, textOf } from '../crds/parse/metadata.ts';
import type { KindName, Model } from '../crds/types/kind-name.ts';
import type { OperatorRole } from '../crds/types/operator-role.ts';
import type { Random } from '../lib/clock.ts';
import { listWatch } from './kube/list-watch.ts';
import type { ResourceType } from './kube/resources.ts';
import type { RestClient } from './kube/rest.ts';
import type { Seen } from './reconcilers/seen.ts';
import type { Clock } from './runtime/clock.ts';
import { Informer } from './runtime/informer.ts';
import type { RawObject } from './runtime/list-watch.ts';
import type { Log } from './runtime/log.ts';
import type { Reach } from './runtime/reach.ts';
import type { ReflectorTiming } from './runtime/reflector.ts';
import { Repeated } from './runtime/repeated.ts';

export interface InformerParts {
  rest: RestClient;
  /** Of the process: what is asked for is no more than they look at. */
  roles: Iterable<OperatorRole>;
  clock: Clock;
  random: Random;
  log: Log;
  timing: Partial<ReflectorTiming>;
  /** As `ReflectorOptions`. */
  reach?: Reach;
  /** As `InformerOptions`. */
  lagged?: (name: string, lagMs: number) => void;
}

export type KindInformer<M extends Model = Model> = Informer<RawObject, Seen<M>>;

/** One cache per kind, each object reduced to its model while the bytes are fresh. */
export class Informers {
  readonly kinds: readonly KindRow[];
  readonly #informers = new Map<string, KindInformer>();

  constructor(kinds: readonly KindRow[], parts: InformerParts) {
    this.kinds = kinds;
    const repeated = new Repeated();
    for (const row of kinds) this.#informers.set(row.id, createInformer(row, nameIn(kinds, row), parts, repeated));
  }

  get all(): KindInformer[] {
    return [...this.#informers.values()];
  }

  /** How many objects of each kind there are, by row. */
  get sizes(): [kind: string, objects: number][] {
    return this.kinds.map((row) => [row.kind, this.#informers.get(row.id)?.store.size ?? 0]);
  }

  /** @throws Error where no row is of this kind */
  of<M extends Model>(kind: KindName<M>): KindInformer<M> {
    const informer = this.#informers.get(kind.id);
    if (informer === undefined) throw new Error(`${kind.id} is not watched`);
    // It was made of the row of this very kind.
    return informer as unknown as KindInformer<M>;
  }
}

/** Where the API server has the objects of a row. */
export function resourceType({ group, watched, plural }: Pick<KindRow, 'group' | 'watched' | 'plural'>): ResourceType {
  return { group, version: watched, plural };
}

/** For logs and metrics: short, but for a plural that several groups have. */
function nameIn(kinds: readonly KindRow[], { plural, group }: KindRow): string {
  return kinds.filter((row) => row.plural === plural).length > 1 ? `${plural}.${group}` : plural;
}

function createInformer(
  row: KindRow,
  name: string,
  { rest, roles, ...parts }: InformerParts,
  repeated: Repeated,
): KindInformer {
  return new Informer({
    ...parts,
    name,
    source: listWatch(rest, resourceType(row), { metadataOnly: isMetadataEnough(row, roles) }),
    optional: row.optional,
    transform: (raw: RawObject) => see(row, raw, repeated),
  });
}

function see(row: KindRow, raw: RawObject, repeated: Repeated): Seen<Model> {
  const parsed = row.parse(raw);
  const meta = parsed.model?.meta ?? readMeshMeta(raw);
  meta.namespace = repeated.text(meta.namespace);
  meta.creationTimestamp = repeated.text(meta.creationTimestamp);
  meta.labels = repeated.record(meta.labels);
  meta.annotations = repeated.record(meta.annotations);
  return {
    meta,
    deleting: textOf(child(raw, 'metadata'), 'deletionTimestamp') !== '',
    parsed,
    status: row.status.form === 'none' ? undefined : child(raw, 'status'),
  };
}
