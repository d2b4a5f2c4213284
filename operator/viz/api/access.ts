import type { Clock } from '../../runtime/clock.ts';
import type { User, Verb } from './rows.ts';

/** What is to be done with what: `resourceAttributes` of a SubjectAccessReview. Empty texts: of the cluster; no subresource; no one object. */
export interface Attributes {
  group: string;
  version: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  verb: Verb;
}

export interface Verdict {
  allowed: boolean;
  /** Of the authorizer, where it has given one. */
  reason: string;
}

/** Asks the API server; rejects where it gives no answer. */
export type AskAccess = (user: User, attributes: Attributes) => Promise<Verdict>;

/** A right that was taken away is gone within this time, and one that was given is there: whoever watches a table asks every second. */
const KEPT_MS = 5_000;
/** Of users and what they ask; beyond it, the oldest is asked for again. */
const MAX_KEPT = 1_000;

interface Kept {
  verdict: Promise<Verdict>;
  untilMs: number;
}

/** Who may do what, as the API server's authorizers say, remembered for moments. An answer that did not come is not remembered. */
export class Access {
  readonly #ask: AskAccess;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #kept = new Map<string, Kept>();

  constructor(ask: AskAccess, clock: Pick<Clock, 'nowMs'>) {
    this.#ask = ask;
    this.#clock = clock;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Questions that are alike are asked once at a time. */
  review(user: User, attributes: Attributes): Promise<Verdict> {
    const nowMs = this.#clock.nowMs();
    const key = keyOf(user, attributes);
    const known = this.#kept.get(key);
    if (known !== undefined && nowMs < known.untilMs) return known.verdict;
    const kept = { verdict: this.#ask(user, attributes), untilMs: nowMs + KEPT_MS };
    this.#keep(key, kept);
    kept.verdict.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
    return kept.verdict;
  }

  /** A Map iterates in order of insertion: the first is the oldest. */
  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(key, kept);
  }
}

/** Everything that an authorizer sees: two users, or two questions, never share a key. */
function keyOf({ name, uid, groups, extra }: User, attributes: Attributes): string {
  const { group, version, resource, subresource, namespace, name: object, verb } = attributes;
  return JSON.stringify([
    [name, uid, groups, Object.entries(extra)],
    [group, version, resource, subresource, namespace, object, verb],
  ]);
}

/** In the words of the API server (`apiserver/pkg/endpoints/handlers/responsewriters`: `forbiddenMessage`), which people and tools know. */
export function forbidden({ name }: User, attributes: Attributes, reason: string): string {
  const { group, resource, subresource, namespace, name: object, verb } = attributes;
  const whole = subresource === '' ? resource : `${resource}/${subresource}`;
  const one = object === '' ? '' : ` ${JSON.stringify(object)}`;
  const where = namespace === '' ? ' at the cluster scope' : ` in the namespace ${JSON.stringify(namespace)}`;
  const why = reason === '' ? '' : `: ${reason}`;
  const user = JSON.stringify(name);
  return `${whole}.${group}${one} is forbidden: User ${user} cannot ${verb} resource ${JSON.stringify(whole)} in API group ${JSON.stringify(group)}${where}${why}`;
}
