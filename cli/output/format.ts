import { InvalidArgumentError, Option } from 'commander';
import { JsonPathError, type Node, parseJsonPath } from './jsonpath/parse.ts';

/** In what form a verb prints what it lists. */
export type Format =
  | { type: 'table' | 'wide' | 'json' | 'yaml' | 'name' }
  | { type: 'jsonpath'; template: readonly Node[] };

const JSON_PATH = 'jsonpath=';
const FORMATS = ['table', 'wide', 'json', 'yaml', 'name', JSON_PATH] as const;
type FormatName = (typeof FORMATS)[number];

/** `-o`, `--output`; its value is a `Format`. */
export function outputOption(names: readonly FormatName[] = FORMATS): Option {
  return new Option('-o, --output <format>', 'what is printed')
    .choices(names)
    .argParser((text) => formatOf(text, names))
    .default({ type: 'table' } satisfies Format, 'table');
}

function formatOf(text: string, names: readonly FormatName[]): Format {
  const name = names.find((known) => (known === JSON_PATH ? text.startsWith(known) : known === text));
  if (name === undefined) throw new InvalidArgumentError(`It must be one of ${names.join(', ')}.`);
  if (name !== JSON_PATH) return { type: name };
  try {
    return { type: 'jsonpath', template: parseJsonPath(text.slice(JSON_PATH.length)) };
  } catch (error) {
    if (error instanceof JsonPathError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}
