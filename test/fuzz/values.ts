/**
 * Fuzzes values of an installation, of the command line and of files: what is wrong is told without anything that a terminal obeys, and what is taken gives objects that are
 * printed, read back as the same, and remembered for the next time.
 */
import { isDeepStrictEqual } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { CliError } from '../../cli/errors.ts';
import { isOperator, VALUES_ANNOTATION } from '../../cli/install/installed-operator.ts';
import { installation } from '../../cli/install/objects.ts';
import { printed } from '../../cli/install/print.ts';
import { SETTINGS, type SettingName } from '../../cli/install/settings.ts';
import { SOURCES } from '../../cli/install/sources.ts';
import { effectiveValue, type Values, valuesOfFile, valuesOfRecord, valuesOfSet } from '../../cli/install/values.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

/** What depends on values. */
const TEMPLATES = { definitions: [], controlPlane: SOURCES.controlPlane.filter(({ text }) => text.includes('${')) };

const SET: readonly string[] = [
  'images.prefix=registry.example.com/mesh/,images.tag=1.2.3,ha=true',
  'operator.replicas=3,operator.logLevel=debug,images.pullPolicy=Never',
  'operator.resources.requests.cpu=0.5,operator.resources.limits.memory=1Gi',
  'operator.nodeSelector={"a":"b"},operator.split=true,networkPolicy.enabled=true',
  'images.operator=a.b:5000/c/d@sha256:0123456789abcdef,images.inputs=x_1',
];

const FILES: readonly string[] = [
  'ha: true\nimages: { tag: 1.10, prefix: "localhost/" }\noperator:\n  resources: { limits: { memory: 1Gi } }\n',
  'images.tag: "1"\noperator: &o { replicas: 5 }\n',
  'operator: { tolerations: [{ key: a, operator: Exists, tolerationSeconds: 5 }], nodeSelector: { disk: ssd } }\nimages: { pullSecrets: [{ name: r }] }\n',
  '{"operator": {"logLevel": "info"}}',
];

const PIECES: readonly string[] = [
  ...[
    ',',
    '=',
    '.',
    ' ',
    ':',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '\n',
    '\n  ',
    '- ',
    '&o ',
    '*o',
    '<<: ',
    '---\n',
    '!!int ',
  ],
  ...[
    '${',
    'images.inputs}',
    '$&',
    'off',
    'null',
    '~',
    '0x1',
    '__proto__',
    'constructor',
    '\u001b[2J',
    '\u009b',
    '\u202e',
    '\u2028',
    '\ud800',
  ],
  ...Object.keys(SETTINGS),
];

export interface FuzzInput {
  text: string;
  isFile: boolean;
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const isFile = this.#mutator.pick([true, false]);
    return { text: this.#mutator.text(this.#mutator.pick(isFile ? FILES : SET), PIECES), isFile };
  }
}

export function check({ text, isFile }: FuzzInput): void {
  let values: Values;
  try {
    values = isFile ? valuesOfFile(text, 'values.yaml') : valuesOfSet(text);
  } catch (error) {
    if (!(error instanceof CliError && error.code === 'WEFT_INSTALL_VALUE')) throw error;
    if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(error.message))
      throw new Error(`a terminal obeys ${JSON.stringify(error.message)}`);
    return;
  }
  const { controlPlane } = installation(TEMPLATES, values);
  const read = parseAllDocuments(printed(controlPlane, 'yaml'), { version: '1.1' }).map((one) => one.toJS() as unknown);
  if (!isDeepStrictEqual(read, controlPlane)) throw new Error('is read back as other objects');
  const record = controlPlane.find(isOperator)?.metadata.annotations?.[VALUES_ANNOTATION] ?? '{}';
  const remembered = valuesOfRecord(record);
  const isOther = (name: SettingName) => effectiveValue(remembered, name) !== effectiveValue(values, name);
  if ((Object.keys(SETTINGS) as SettingName[]).some(isOther)) throw new Error(`is remembered as ${record}`);
}

if (import.meta.main) runFromCommandLine('values', (seed) => new Fuzzer(seed), check);
