/**
 * The templates of kubectl's `-o jsonpath=` (kubernetes.io/docs/reference/kubectl/jsonpath): text, and in braces paths, texts in quotes, `range` and `end`. A
 * library for the JSONPath of RFC 9535 knows none of these, and those that allow filters evaluate them as a program.
 */
export type Node =
  | { type: 'text'; text: string }
  | { type: 'path'; steps: readonly Step[] }
  | { type: 'range'; steps: readonly Step[]; body: readonly Node[] };

export type Step =
  /** `$`: the whole document, wherever in a filter or a range it stands. */
  | { type: 'root' }
  /** `.name`, and `['a', 'b.c']`, of which each is a path of names. */
  | { type: 'names'; paths: readonly (readonly string[])[] }
  | { type: 'all' }
  /** `..name`: of everything below. */
  | { type: 'below' }
  | { type: 'slice'; from: number | null; to: number | null; by: number }
  | { type: 'index'; at: number }
  | { type: 'filter'; left: Operand; operator: Operator | null; right: Operand | null };

export type Operand = { type: 'path'; steps: readonly Step[] } | { type: 'value'; value: unknown };

const OPERATORS = ['==', '!=', '<=', '>=', '<', '>'] as const;
export type Operator = (typeof OPERATORS)[number];

/** Says where a template is not understood. */
export class JsonPathError extends Error {}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

/** @throws JsonPathError. A template without braces is one path. */
export function parseJsonPath(template: string): Node[] {
  const source = template.includes('{') ? template : `{${template}}`;
  return new Parser(source).nodes(false);
}

class Parser {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** To the end of the template, or within a range to its `{end}`. */
  nodes(isWithin: boolean): Node[] {
    const nodes: Node[] = [];
    while (this.#at < this.#source.length) {
      const text = this.#match(/[^{]+/y);
      if (text !== null) {
        nodes.push({ type: 'text', text });
        continue;
      }
      this.#at += 1;
      if (this.#match(/\s*end\s*\}/y) !== null) {
        if (isWithin) return nodes;
        throw this.#wrong('{end} without {range}');
      }
      this.#action(nodes);
    }
    if (isWithin) throw this.#wrong('{range} without {end}');
    return nodes;
  }

  /** Behind the brace: texts and paths, side by side, or a range. */
  #action(nodes: Node[]): void {
    if (this.#match(/\s*range\s+/y) !== null) {
      const steps = this.#steps();
      this.#expect(/\s*\}/y, '}');
      nodes.push({ type: 'range', steps, body: this.nodes(true) });
      return;
    }
    while (this.#match(/\s*\}/y) === null) {
      this.#match(/\s+/y);
      const text = this.#quoted();
      if (text !== null) nodes.push({ type: 'text', text });
      else nodes.push({ type: 'path', steps: this.#steps() });
    }
  }

  #steps(): Step[] {
    const steps: Step[] = [];
    const start = this.#match(/[$@]/y);
    if (start === '$') steps.push({ type: 'root' });
    // `items` alone is `.items`.
    let isPath = this.#name(steps) || start !== null;
    while (this.#step(steps)) isPath = true;
    if (!isPath) throw this.#wrong('a path is expected');
    return steps;
  }

  #step(steps: Step[]): boolean {
    if (this.#match(/\.\./y) !== null) {
      steps.push({ type: 'below' });
      if (this.#peek('[')) return true;
      if (!this.#name(steps)) throw this.#wrong('a name is expected behind ..');
      return true;
    }
    if (this.#match(/\.(?=\[)/y) !== null || this.#peek('[')) {
      this.#at += 1;
      steps.push(this.#bracket());
      this.#expect(/\s*\]/y, ']');
      return true;
    }
    if (this.#match(/\./y) === null) return false;
    // A dot alone is where one stands.
    this.#name(steps);
    return true;
  }

  #name(steps: Step[]): boolean {
    if (this.#match(/\*/y) !== null) {
      steps.push({ type: 'all' });
      return true;
    }
    const name = this.#match(/(?:\\.|[^\s.[\]{}()'"=!<>|,:*?@$\\])+/y);
    if (name === null) return false;
    steps.push({ type: 'names', paths: [[name.replace(/\\(.)/g, '$1')]] });
    return true;
  }

  #bracket(): Step {
    if (this.#match(/\s*\*/y) !== null) return { type: 'all' };
    if (this.#match(/\s*\?\s*\(/y) !== null) return this.#filter();
    const slice = this.#match(/\s*-?\d*\s*:\s*-?\d*\s*(?::\s*-?\d*)?/y);
    if (slice !== null) return this.#slice(slice);
    const at = this.#match(/\s*-?\d+/y);
    if (at !== null) return { type: 'index', at: Number(at) };
    const paths: string[][] = [];
    do {
      this.#match(/\s+/y);
      const name = this.#quoted() ?? this.#match(/[^\s,\]'"]+/y);
      if (name === null) throw this.#wrong('a name, a number, * or ?( is expected in [ ]');
      paths.push(namesOf(name));
    } while (this.#match(/\s*,/y) !== null);
    return { type: 'names', paths };
  }

  #slice(text: string): Step {
    const [from, to, by] = text.split(':').map((part) => (part.trim() === '' ? null : Number(part)));
    if (by === 0) throw this.#wrong('the step of a slice is 0');
    return { type: 'slice', from: from ?? null, to: to ?? null, by: by ?? 1 };
  }

  #filter(): Step {
    this.#match(/\s+/y);
    const left = this.#operand();
    this.#match(/\s+/y);
    const operator = OPERATORS.find((known) => this.#source.startsWith(known, this.#at)) ?? null;
    let right: Operand | null = null;
    if (operator !== null) {
      this.#at += operator.length;
      this.#match(/\s+/y);
      right = this.#operand();
    }
    this.#expect(/\s*\)/y, ')');
    return { type: 'filter', left, operator, right };
  }

  #operand(): Operand {
    const text = this.#quoted();
    if (text !== null) return { type: 'value', value: text };
    const plain = this.#match(/(?:-?\d+(?:\.\d+)?|true|false|null)(?=[\s)=!<>])/y);
    return plain === null ? { type: 'path', steps: this.#steps() } : { type: 'value', value: JSON.parse(plain) };
  }

  #quoted(): string | null {
    const text = this.#match(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/y);
    return text === null
      ? null
      : text.slice(1, -1).replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);
  }

  #peek(text: string): boolean {
    return this.#source.startsWith(text, this.#at);
  }

  /** What a sticky pattern finds here; the place is behind it then. */
  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #expect(pattern: RegExp, what: string): void {
    if (this.#match(pattern) === null) throw this.#wrong(`${what} is expected`);
  }

  #wrong(what: string): JsonPathError {
    const rest = this.#source.slice(this.#at, this.#at + 20);
    return new JsonPathError(`${what} at ${rest === '' ? 'the end' : JSON.stringify(rest)}`);
  }
}

/** `metadata.name` is two names; a dot behind a backslash is part of one. */
function namesOf(text: string): string[] {
  return text.split(/(?<!\\)\./).map((name) => name.replace(/\\(.)/g, '$1'));
}
