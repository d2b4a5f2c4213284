/**
 * Fuzzes descriptions of APIs that `weft profile` reads, OpenAPI and protobuf: what is wrong is told with a line that the file has, and what is printed is read back as
 * the same profile, which the mesh takes.
 */
import { isDeepStrictEqual } from 'node:util';
import { parse } from 'yaml';
import { DescriptionError, type DescriptionProblem } from '../../cli/profile/description-error.ts';
import { openApiRoutes } from '../../cli/profile/open-api.ts';
import { printProfile } from '../../cli/profile/print.ts';
import { protoRoutes } from '../../cli/profile/proto.ts';
import { type DescribedRoute, profileOf } from '../../cli/profile/service-profile.ts';
import { parseServiceProfile } from '../../crds/kinds/service-profile/parse.ts';
import { readDescription, TARGET } from '../support/profiles.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const OPEN_API: readonly string[] = [
  readDescription('books.yaml'),
  readDescription('orders.json'),
  'openapi: 3.0.0\nx-all: &all {get: {responses: {5XX: {}}}}\npaths:\n  /a: *all\n  /b: {<<: *all}\n  /c: {$ref: "#/paths/~1b"}',
  'openapi: 3.1.0\nservers: [{url: "//{h}/{v}", variables: {v: {default: 1}}}]\npaths: {/a/{b}: {get: {x-linkerd-timeout: 5s}}}',
];

const PROTO: readonly string[] = [
  readDescription('voting.proto'),
  'edition = "2024"; package a.b; option (x) = { y: [ { z: "}" } ] w < v: 1 > }; service S { rpc A (stream B) returns (C) {} }',
];

const PIECES: readonly string[] = [
  ...[
    ':',
    '{',
    '}',
    '[',
    ']',
    ',',
    '"',
    "'",
    '/',
    '//',
    '/*',
    '*/',
    '\\',
    '#',
    '|',
    '>',
    '<',
    ';',
    '(',
    ')',
    '.',
    '=',
    '~1',
  ],
  ...['\n', '\n  ', '\t', ' ', '- ', '? ', '&a ', '*a', '<<: ', '!!binary ', '!x ', '%YAML 1.1\n', '---\n', '...\n'],
  ...[
    '$ref',
    '#/paths/',
    'servers',
    'url',
    'basePath',
    'get',
    'responses',
    '5XX',
    '600',
    '.inf',
    'null',
    '~',
    '1e9',
    '__proto__',
  ],
  ...[
    'rpc',
    'stream',
    'returns',
    'option',
    'service',
    'package',
    'idempotency_level',
    'ü',
    '\ud800',
    '\u0000',
    '\u001b',
    '\ufeff',
  ],
];

export interface FuzzInput {
  text: string;
  isProto: boolean;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const isProto = this.#mutator.pick([true, false]);
    const seed = this.#mutator.pick(isProto ? PROTO : OPEN_API);
    return { text: this.#mutator.text(seed, PIECES), isProto };
  }
}

export function check({ text, isProto }: FuzzInput): void {
  let routes: DescribedRoute[];
  try {
    routes = isProto ? protoRoutes(text) : openApiRoutes(text);
    const { profile, warnings } = profileOf(TARGET, routes);
    for (const warning of warnings) checkProblem(text, warning);
    const read: unknown = parse(printProfile(profile, 'yaml'), { version: '1.1' });
    if (!isDeepStrictEqual(read, profile)) throw new Error('is read back as another profile');
    if (parseServiceProfile(read).model === null) throw new Error('the mesh refuses what was printed');
  } catch (error) {
    if (!(error instanceof DescriptionError)) throw error;
    if (error.problems.length === 0) throw new Error('nothing is said to be wrong');
    for (const problem of error.problems) checkProblem(text, problem);
  }
}

function checkProblem(text: string, { line, message }: DescriptionProblem): void {
  if (!(line >= 1 && line <= text.split(/\r\n|[\r\n]/).length)) throw new Error(`there is no line ${line}: ${message}`);
  if (!/\S/.test(message) || /\p{Cc}/u.test(message)) throw new Error(`no usable problem: ${JSON.stringify(message)}`);
}

if (import.meta.main) runFromCommandLine('descriptions', (seed) => new Fuzzer(seed), check);
