import { quote } from '../../crds/scalars/scalar.ts';
import { DescriptionError } from './description-error.ts';
import { pathPattern } from './path-pattern.ts';
import { type ProtoToken, protoTokens } from './proto-tokens.ts';
import type { DescribedRoute } from './service-profile.ts';

/** What a definition file may consist of besides `package` and `service`. `export` and `local` stand before others (edition 2024). */
const DEFINITIONS = new Set(['syntax', 'edition', 'import', 'option', 'message', 'enum', 'extend', 'export', 'local']);
/** Methods that say so may be called again (google/protobuf/descriptor.proto, `IdempotencyLevel`). */
const RETRYABLE = new Set(['IDEMPOTENT', 'NO_SIDE_EFFECTS']);
const NAME = /^[A-Za-z_]\w*$/;
const REFERENCE = /^\.?[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

interface Method {
  service: string;
  name: string;
  isRetryable: boolean;
  line: number;
}

/**
 * The routes of a protobuf definition file, as `linkerd profile --proto` makes them: one for each method of each service, in the order of the file, named by the
 * method. Imports are not followed: a service is always whole in its file. Messages are skipped, not checked.
 * @throws DescriptionError
 */
export function protoRoutes(text: string): DescribedRoute[] {
  const file = new ProtoFile(protoTokens(text));
  file.read();
  const { methods, packageName } = file;
  if (methods.length === 0) throw new DescriptionError([{ line: 1, message: 'the file has no service with a method' }]);
  const prefix = packageName === '' ? '' : `${packageName}.`;
  return methods.map(({ service, name, isRetryable, line }) => ({
    route: {
      name,
      // gRPC over HTTP/2, "Requests": the path is case-sensitive, "/" Service-Name "/" method name.
      condition: { method: 'POST', pathRegex: pathPattern(`/${prefix}${service}/${name}`) },
      ...(isRetryable && { isRetryable }),
    },
    line,
  }));
}

/** One pass over the tokens of a file. */
class ProtoFile {
  readonly methods: Method[] = [];
  packageName = '';
  readonly #tokens: readonly ProtoToken[];
  #next = 0;

  constructor(tokens: readonly ProtoToken[]) {
    this.#tokens = tokens;
  }

  read(): void {
    while (this.#next < this.#tokens.length) {
      const token = this.#take();
      if (token.text === 'package') this.#readPackage();
      else if (token.text === 'service') this.#readService();
      else if (DEFINITIONS.has(token.text)) this.#statement();
      else if (token.text !== ';') throw wrong(token, 'a definition');
    }
  }

  #readPackage(): void {
    this.packageName = this.#take(REFERENCE, 'the name of a package').text;
    this.#take(';');
  }

  #readService(): void {
    const service = this.#take(NAME, 'the name of a service').text;
    this.#take('{');
    for (let token = this.#take(); token.text !== '}'; token = this.#take()) {
      if (token.text === 'rpc') this.#readMethod(service);
      else if (token.text === 'option') this.#statement();
      else if (token.text !== ';') throw wrong(token, 'rpc, option or }');
    }
  }

  /** `rpc Name (stream Request) returns (stream Response) { options }` */
  #readMethod(service: string): void {
    const { text: name, line } = this.#take(NAME, 'the name of a method');
    this.#readMessage();
    this.#take('returns');
    this.#readMessage();
    const end = this.#take(/^[;{]$/, '; or {');
    this.methods.push({ service, name, isRetryable: end.text === '{' && this.#readOptions(), line });
  }

  #readMessage(): void {
    this.#take('(');
    const first = this.#take(REFERENCE, 'a message');
    if (first.text === 'stream' && this.#peek() !== ')') this.#take(REFERENCE, 'a message');
    this.#take(')');
  }

  /** Whether the options of a method say that it may be called again. */
  #readOptions(): boolean {
    let isRetryable = false;
    for (let token = this.#take(); token.text !== '}'; token = this.#take()) {
      if (token.text === ';') continue;
      if (token.text !== 'option') throw wrong(token, 'option or }');
      const [name, , value] = this.#statement();
      if (name?.text === 'idempotency_level') isRetryable = RETRYABLE.has(value?.text ?? '');
    }
    return isRetryable;
  }

  /**
   * To the semicolon of a statement, or the end of its block: `option (a.b) = { c: [ { d: 1 } ] };`, `message M { … }`. Its first word is taken already; the others
   * that stand outside of blocks are returned.
   */
  #statement(): ProtoToken[] {
    const outside: ProtoToken[] = [];
    for (let depth = 0; ; ) {
      const token = this.#take();
      if (token.text === '{') depth += 1;
      else if (token.text === '}') depth -= 1;
      else if (depth === 0 && token.text !== ';') outside.push(token);
      if (depth === 0 && (token.text === ';' || token.text === '}')) return outside;
      if (depth < 0) throw wrong(token, ';');
    }
  }

  #peek(): string {
    return this.#tokens[this.#next]?.text ?? '';
  }

  #take(expected: string | RegExp = '', words: string = String(expected)): ProtoToken {
    const token = this.#tokens[this.#next];
    if (token === undefined) {
      const line = this.#tokens.at(-1)?.line ?? 1;
      throw new DescriptionError([{ line, message: `the file ends where ${words || '}'} is expected` }]);
    }
    const isRight =
      typeof expected === 'string' ? expected === '' || token.text === expected : expected.test(token.text);
    if (!isRight) throw wrong(token, words);
    this.#next += 1;
    return token;
  }
}

function wrong(token: ProtoToken | undefined, expected: string): DescriptionError {
  return new DescriptionError([
    { line: token?.line ?? 1, message: `${expected} is expected, not ${quote(token?.text)}` },
  ]);
}
