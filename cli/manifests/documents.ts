import { type Document, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import { quote } from '../../crds/scalars/scalar.ts';
import { CliError } from '../errors.ts';
import { pairOf } from './entries.ts';

/** One object of a manifest, with its place in the text. */
export interface ManifestObject {
  node: YAMLMap;
  /** As JSON; unchecked. */
  value: unknown;
}

/** A part of an input that is no object stays as it is, and is said to have been passed over. */
export type Part = ManifestObject | 'no kind';

/**
 * The objects of a text of several documents, those of lists included (kind `List`, or any `…List` with items).
 * @param origin for messages
 * @throws CliError WEFT_CLI_MANIFEST where the text is no YAML
 */
export function partsOf(text: string, origin: string): Part[] {
  return documentsOf(text, origin).flatMap((document) => partsIn(document, origin));
}

/** @throws CliError WEFT_CLI_MANIFEST */
export function documentsOf(text: string, origin: string): Document.Parsed[] {
  const lines = new LineCounter();
  const options = { lineCounter: lines, merge: true, prettyErrors: false, logLevel: 'silent' } as const;
  const documents = read(origin, () => parseAllDocuments(text, options));
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error === undefined) return [...documents];
  const { line } = lines.linePos(error.pos[0]);
  throw new CliError('WEFT_CLI_MANIFEST', `${origin}:${line}: ${quote(error.message)}`, error);
}

/** @throws CliError WEFT_CLI_MANIFEST */
export function partsIn(document: Document.Parsed, origin: string): Part[] {
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return [];
  if (!isMap(contents)) return ['no kind'];
  return objectsOf(contents, (node) => read(origin, () => node.toJS(document)));
}

/** Aliases of aliases may stand for more than fits into memory, and lists of lists for more than the stack holds: the library throws then. */
function read<R>(origin: string, work: () => R): R {
  try {
    return work();
  } catch (error) {
    throw new CliError('WEFT_CLI_MANIFEST', `${origin}: ${error instanceof Error ? error.message : error}`, error);
  }
}

function objectsOf(node: YAMLMap, toJson: (node: YAMLMap) => unknown): Part[] {
  const kind = textAt(node, 'kind');
  if (kind === '') return ['no kind'];
  const items = pairOf(node, 'items')?.value;
  if (!kind.endsWith('List') || !isSeq(items)) return [{ node, value: toJson(node) }];
  return items.items.flatMap((item) => (isMap(item) ? objectsOf(item, toJson) : ['no kind' as const]));
}

function textAt(node: YAMLMap, key: string): string {
  const value = pairOf(node, key)?.value;
  return isScalar(value) && typeof value.value === 'string' ? value.value : '';
}
