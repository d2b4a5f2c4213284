import { MESH_ROW } from '../../../crds/kinds/mesh/kind.ts';
import type { MeshModel } from '../../../crds/kinds/mesh/model.ts';
import { meshOf } from '../../../crds/kinds/mesh/queries.ts';
import { NAMESPACE_ROW } from '../../../crds/kinds/namespace/kind.ts';
import { POD_ROW } from '../../../crds/kinds/pod/kind.ts';
import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import type { KindRow } from '../../../crds/kinds/row.ts';
import { child, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import type { ClusterView } from '../../../crds/state/view.ts';
import type { ObjectMeta } from '../../../crds/types/object-meta.ts';
import type { Parsed } from '../../../crds/types/problem.ts';
import type { NamespaceWishes } from '../../../webhooks/inject/decide.ts';
import type { Installation } from '../../install/objects.ts';
import type { ReadName } from './reads.ts';

/** What came of creating something in a dry run: nothing is stored. */
export interface Tried {
  /** Where it was tried; empty for what is of the cluster. */
  namespace: string;
  /** The object as the API server would have stored it; `null` where it refused it. */
  object: unknown;
  /** What it said then. */
  refusal: string;
  /** Of the Status object, for example `AlreadyExists`; empty where it did not refuse, or did not say. */
  reason: string;
}

/** Whether something may be done. */
export interface Right {
  verb: string;
  group: string;
  resource: string;
  /** Empty for the whole cluster. */
  namespace: string;
  allowed: boolean;
}

/** Everything that was read, at one moment. Objects are as the API server gave them. */
export interface Observed {
  /** Milliseconds since the epoch, by the clock of this machine. */
  nowMs: number;
  /** By how much the clock of the API server is ahead of it; `null` where it did not say. */
  aheadMs: number | null;
  /** `gitVersion` of the API server, for example `v1.33.1`. */
  serverVersion: string;
  cliVersion: string;
  /** Whose workloads are looked at; `null` = all. */
  namespace: string | null;
  /** What this version of the command installs, with the values that the cluster's installation was made with. */
  wanted: Installation;
  objects: ReadonlyMap<ReadName, readonly unknown[]>;
  /** Why something could not be read, as a phrase. */
  unread: ReadonlyMap<ReadName, string>;
}

/** An object of a kind of the registry as it was parsed. */
export interface ParsedObject {
  row: KindRow;
  raw: unknown;
  meta: ObjectMeta;
  parsed: Parsed<{ readonly meta: ObjectMeta | null }>;
}

/** A pod as it stands in the API, beside what the mesh makes of it. */
export interface ObservedPod {
  raw: unknown;
  model: PodModel;
}

/** What was observed, and what follows from it without asking again. */
export class Facts {
  readonly observed: Observed;
  #parsed: readonly ParsedObject[] | null = null;
  #view: ClusterView | null = null;
  #pods: readonly ObservedPod[] | null = null;
  readonly #results = new Map<(facts: Facts) => unknown, unknown>();

  constructor(observed: Observed) {
    this.observed = observed;
  }

  /** Milliseconds since the epoch, by the API server's clock, which dates what is in its objects. */
  get nowMs(): number {
    return this.observed.nowMs + (this.observed.aheadMs ?? 0);
  }

  list(name: ReadName): readonly unknown[] {
    return this.observed.objects.get(name) ?? [];
  }

  /** An object of a list by its name, and its namespace where it has one; `undefined` = it is not there. */
  find(name: ReadName, wanted: string, namespace = ''): unknown {
    return this.list(name).find((raw) => {
      const metadata = child(raw, 'metadata');
      return textOf(metadata, 'name') === wanted && textOf(metadata, 'namespace') === namespace;
    });
  }

  /** `undefined` where it was not tried. */
  tried(name: 'injection' | 'validation'): Tried | undefined {
    return this.list(name)[0] as Tried | undefined;
  }

  get rights(): readonly Right[] {
    return this.list('rights') as readonly Right[];
  }

  /** All objects of the kinds that Weft watches. */
  get parsed(): readonly ParsedObject[] {
    this.#parsed ??= KINDS.flatMap((row) =>
      this.list(row.id).map((raw) => ({ row, raw, meta: readMeta(raw), parsed: row.parse(raw) })),
    );
    return this.#parsed;
  }

  /** The cluster as the operator would see it, if it came up now. */
  get view(): ClusterView {
    if (this.#view !== null) return this.#view;
    const state = new ClusterState(KINDS);
    for (const { row, parsed, meta } of this.parsed) state.applyParsed(row, parsed, meta);
    this.#view = state;
    return state;
  }

  get mesh(): MeshModel {
    return meshOf(this.view);
  }

  /** The Mesh, unchecked; `undefined` where there is none, so that its defaults hold. */
  get rawMesh(): unknown {
    return this.list(MESH_ROW.id)[0];
  }

  /** What several checks go by is worked out for the first of them. */
  once<T>(make: (facts: Facts) => T): T {
    if (!this.#results.has(make)) this.#results.set(make, make(this));
    return this.#results.get(make) as T;
  }

  /** Pods that have not ended. */
  get pods(): readonly ObservedPod[] {
    this.#pods ??= this.list(POD_ROW.id)
      .map((raw) => ({ raw, model: reducePod(raw) }))
      .filter(({ model }) => model.phase !== 'Succeeded' && model.phase !== 'Failed' && !model.terminating);
    return this.#pods;
  }

  /** … that have a proxy of ours. */
  get meshed(): readonly ObservedPod[] {
    return this.once(meshedPods);
  }

  /** What a namespace says of itself; nothing where there is none. */
  namespace(name: string): NamespaceWishes {
    return this.once(namespaces).get(name) ?? NO_NAMESPACE;
  }
}

const NO_NAMESPACE: NamespaceWishes = { annotations: {}, labels: {} };

function namespaces(facts: Facts): ReadonlyMap<string, NamespaceWishes> {
  return new Map(
    facts.list(NAMESPACE_ROW.id).map((raw) => {
      const { name, annotations, labels } = readMeta(raw);
      return [name, { annotations, labels }];
    }),
  );
}

function meshedPods(facts: Facts): readonly ObservedPod[] {
  return facts.pods.filter(({ model }) => model.meshed);
}
