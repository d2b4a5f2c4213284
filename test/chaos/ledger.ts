/** One write that the API server has carried out. */
export interface Entry {
  /** Who sent it: an operator by the name that it holds the lease by, or somebody else. */
  author: string;
  method: string;
  /** Without a subresource: whose revision it is. */
  object: string;
  subresource: string;
  /** Of etcd, so that all writes of all objects are in one order. */
  revision: bigint;
  /** Of a Lease: who holds it from this revision on. */
  holder: string | null;
  /** It named the version of the object that it was made for, or which object. */
  isConditional: boolean;
}

const LEASE = '/apis/coordination.k8s.io/v1/namespaces/weft-system/leases/weft-operator';
/** Anybody's to write: what happened is no state, and a question is none either. */
const NOT_OF_LEADERS = /\/(events|tokenreviews|subjectaccessreviews|selfsubjectaccessreviews)(\/|$)/;
const SUBRESOURCE = /\/(status|scale|finalizers)$/;

/**
 * Who has written what, in the order of etcd's revisions: the only order in which "while another one held the lease" has a meaning. Filled by whatever stands
 * before the API server, which sees each answer even where the one who asked does not.
 */
export class Ledger {
  readonly #entries: Entry[] = [];
  /** What was written up to here is over and judged. */
  #judged = 0n;

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  clear(): void {
    for (const { revision } of this.#entries) if (revision > this.#judged) this.#judged = revision;
    this.#entries.length = 0;
  }

  note(author: string, method: string, path: string, sent: unknown, answer: unknown): void {
    const revision = textIn(answer, 'metadata', 'resourceVersion');
    if (!/^[0-9]+$/.test(revision)) return;
    const name = textIn(answer, 'metadata', 'name');
    const subresource = SUBRESOURCE.exec(path)?.[1] ?? '';
    const whole = method === 'POST' && !path.endsWith(`/${name}`) ? `${path}/${name}` : path.replace(SUBRESOURCE, '');
    this.#entries.push({
      author,
      method,
      object: whole,
      subresource,
      revision: BigInt(revision),
      holder: whole === LEASE ? textIn(answer, 'spec', 'holderIdentity') : null,
      isConditional: method === 'POST' || textIn(sent, 'metadata', 'resourceVersion') !== '',
    });
  }

  /** False: before anything is known of who held the lease. */
  #isKnown(revision: bigint): boolean {
    return this.#entries.some(({ holder, revision: at }) => holder !== null && at <= revision);
  }

  /** Who held the lease when `revision` was written; empty: nobody. */
  holderAt(revision: bigint): string {
    const before = this.#entries.filter(({ holder, revision: at }) => holder !== null && at <= revision);
    return before.reduce<Entry | null>((a, b) => (a !== null && a.revision > b.revision ? a : b), null)?.holder ?? '';
  }

  /**
   * Writes of operators that did not hold the lease at that revision. A write that changes nothing is answered with the revision of whoever wrote last, and is
   * none: a revision with several authors is that of the one who might write, and one from before the first lease that is known is nobody's.
   */
  writesWithoutLease(operators: ReadonlySet<string>): Entry[] {
    const authors = new Map<string, Set<string>>();
    const keyOf = ({ object, revision }: Entry) => `${object} ${revision}`;
    for (const entry of this.#entries) {
      const known = authors.get(keyOf(entry)) ?? new Set();
      authors.set(keyOf(entry), known.add(entry.author));
    }
    return this.#entries.filter((entry) => {
      if (!operators.has(entry.author) || entry.holder !== null || NOT_OF_LEADERS.test(entry.object)) return false;
      const holder = this.holderAt(entry.revision);
      if (entry.revision <= this.#judged || !this.#isKnown(entry.revision)) return false;
      const all = authors.get(keyOf(entry)) ?? new Set();
      const isSomebodyElses = [...all].some((author) => author === holder || !operators.has(author));
      return entry.author !== holder && !isSomebodyElses;
    });
  }
}

function textIn(value: unknown, ...path: string[]): string {
  let inner: unknown = value;
  for (const name of path) {
    if (typeof inner !== 'object' || inner === null) return '';
    inner = (inner as Record<string, unknown>)[name];
  }
  return typeof inner === 'string' ? inner : '';
}
