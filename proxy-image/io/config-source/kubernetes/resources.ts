import { compile } from '../../../../crds/compile/compile.ts';
import type { ClusterState } from '../../../../crds/state/cluster-state.ts';
import type { ReadKey } from '../../../../crds/state/view.ts';
import { parseKey } from '../../../contract/keys.ts';
import type { Change } from '../../../contract/messages.ts';

interface Held {
  /** What the data plane was told, `''` before. */
  version: string;
  reads: ReadonlySet<ReadKey>;
  names: readonly string[];
}

/** Upper bound on what one key may lead to, so that nothing written in the cluster makes a walk endless. */
const MAX_NAMED_KEYS = 10_000;

/**
 * The resources that this proxy asked for, compiled from the cluster's state for its namespace, and those that they name.
 * Not kept: bodies. What was told is known by its version.
 */
export class Resources {
  readonly #state: ClusterState;
  readonly #namespace: string;
  readonly #asked = new Set<string>();
  readonly #held = new Map<string, Held>();

  constructor(state: ClusterState, namespace: string) {
    this.#state = state;
    this.#namespace = namespace;
  }

  ask(key: string): void {
    this.#asked.add(key);
  }

  /** Returns the deletions of what nothing asked for names any more. */
  release(key: string): Change[] {
    this.#asked.delete(key);
    return this.#collect();
  }

  /** Changes of every key that is new or read one of `touched`, dependencies first. Empty when nothing differs. */
  update(touched: ReadonlySet<ReadKey>): Change[] {
    const changes: Change[] = [];
    const visited = new Set<string>();
    for (const key of this.#asked) this.#visit(key, touched, visited, changes);
    changes.push(...this.#collect());
    return changes;
  }

  #visit(key: string, touched: ReadonlySet<ReadKey>, visited: Set<string>, changes: Change[]): void {
    if (visited.has(key) || visited.size >= MAX_NAMED_KEYS) return;
    visited.add(key);
    const held = this.#held.get(key);
    if (held !== undefined && !intersects(held.reads, touched)) {
      for (const named of held.names) this.#visit(named, touched, visited, changes);
      return;
    }
    this.#compile(key, touched, visited, changes);
  }

  #compile(key: string, touched: ReadonlySet<ReadKey>, visited: Set<string>, changes: Change[]): void {
    const parsed = parseKey(key);
    if (parsed === null) return;
    const { compiled, reads, failure } = compile(this.#state, parsed, this.#namespace);
    const held = this.#held.get(key);
    const before = held?.version ?? '';
    // A defect met by these objects: what is in force stays, until something that was read changes.
    if (failure !== null) {
      this.#held.set(key, { version: before, reads, names: held?.names ?? [] });
      return;
    }
    const version = compiled?.version ?? '';
    const names = compiled?.names ?? [];
    this.#held.set(key, { version, reads, names });
    for (const named of names) this.#visit(named, touched, visited, changes);
    if (version === before) return;
    if (compiled === null) changes.push({ op: 'delete', key });
    else changes.push({ op: 'set', key, version, body: compiled.body });
  }

  /** Forgets what is no longer asked for, directly or by name. */
  #collect(): Change[] {
    const wanted = new Set<string>();
    for (const key of this.#asked) {
      wanted.add(key);
      for (const named of this.#held.get(key)?.names ?? []) wanted.add(named);
    }
    const gone = [...this.#held.keys()].filter((key) => !wanted.has(key));
    const told = gone.filter((key) => this.#held.get(key)?.version !== '');
    for (const key of gone) this.#held.delete(key);
    return told.map((key) => ({ op: 'delete', key }));
  }
}

function intersects(reads: ReadonlySet<ReadKey>, touched: ReadonlySet<ReadKey>): boolean {
  for (const read of touched) if (reads.has(read)) return true;
  return false;
}
