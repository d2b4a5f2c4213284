import { ProblemList } from '../../parse/problems.ts';
import { parseDuration } from '../../scalars/duration.ts';
import { quote } from '../../scalars/scalar.ts';

/** A day: timers of the proxy are 32-bit, and a longer one is a mistake. */
const MAX_DURATION_MS = 86_400_000;
const INTEGER = /^[0-9]{1,10}$/;
/** No exponent and no sign: neither infinity nor NaN can result. */
const DECIMAL = /^(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})$/;
const PERCENT = /^([0-9]{1,3})%?$/;

/**
 * Annotations of one Service, hostile like all that users write. A value that is not accepted is reported and reads as absent: the default stays in
 * force, the other annotations count.
 */
export class AnnotationReader {
  readonly problems: ProblemList = new ProblemList();
  readonly #annotations: Readonly<Record<string, string>>;
  readonly #known = new Set<string>();

  constructor(annotations: Readonly<Record<string, string>>) {
    this.#annotations = annotations;
  }

  /** `undefined` when it is absent. */
  text(name: string): string | undefined {
    this.#known.add(name);
    return Object.hasOwn(this.#annotations, name) ? this.#annotations[name]?.trim() : undefined;
  }

  refuse(name: string, expected: string): undefined {
    const value = this.#annotations[name];
    this.problems.error(
      `metadata.annotations[${name}]`,
      `${expected}${value === undefined ? '' : `, not ${quote(value)}`}`,
    );
    return undefined;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    return values.find((value) => value === text) ?? this.refuse(name, `must be one of ${values.join(', ')}`);
  }

  flag(name: string): boolean | undefined {
    const text = this.oneOf(name, ['true', 'false']);
    return text === undefined ? undefined : text === 'true';
  }

  integer(name: string, min: number, max: number): number | undefined {
    return this.#number(name, INTEGER, min, max, 'an integer');
  }

  decimal(name: string, min: number, max: number): number | undefined {
    return this.#number(name, DECIMAL, min, max, 'a number');
  }

  percent(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const percent = Number(PERCENT.exec(text)?.[1] ?? Number.NaN);
    return percent <= 100 ? percent : this.refuse(name, 'must be a percentage from 0% to 100%');
  }

  /** In whole milliseconds, for that is what timers count. */
  durationMs(name: string, minMs: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const parsed = parseDuration(text);
    if (!parsed.ok) return this.refuse(name, parsed.problem);
    const ms = Math.ceil(parsed.value);
    if (parsed.value >= minMs && ms <= MAX_DURATION_MS) return ms;
    return this.refuse(name, `must be a duration from ${minMs}ms to 24h`);
  }

  /** Reports annotations of our domains that nobody asked for: a typing error must not pass for a policy. */
  reportUnknown(domains: readonly string[]): void {
    for (const name of Object.keys(this.#annotations)) {
      if (this.#known.has(name) || !domains.includes(name.slice(0, name.indexOf('/')))) continue;
      this.problems.warning(`metadata.annotations[${name.slice(0, 200)}]`, 'is not known and has no effect');
    }
  }

  #number(name: string, form: RegExp, min: number, max: number, kind: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = form.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : this.refuse(name, `must be ${kind} from ${min} to ${max}`);
  }
}
