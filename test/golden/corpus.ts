import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { KINDS } from '../../crds/kinds/registry.ts';
import type { Parsed } from '../../crds/types/problem.ts';

export interface ManifestObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  spec?: unknown;
}

/** One document of `manifests/accepted` or `manifests/rejected`, with the `# key: value` lines above it. */
export interface CorpusDocument {
  /** File and position, for messages: `rejected/server.yaml#3`. */
  id: string;
  note(key: string): string;
  object: ManifestObject;
}

/** Kinds of custom resources. */
export const CUSTOM: readonly string[] = [
  ...new Set(KINDS.filter(({ validated }) => validated).map(({ kind }) => kind)),
];

/** Those of which nothing is kept where something is wrong. Of a route it is: its other rules hold. */
export const KEPT_WHOLE: readonly string[] = KINDS.filter(
  ({ validated, status }) => validated && status.form !== 'parents',
).map(({ kind }) => kind);

const ROOT = fileURLToPath(new URL('./manifests/', import.meta.url));

export function loadCorpus(folder: 'accepted' | 'rejected'): CorpusDocument[] {
  return readdirSync(join(ROOT, folder))
    .sort()
    .flatMap((file) => readDocuments(`${folder}/${file}`));
}

function readDocuments(file: string): CorpusDocument[] {
  const texts = readFileSync(join(ROOT, file), 'utf8').split(/^---$/m);
  return texts.map((text, index) => ({
    id: `${file}#${index + 1}`,
    note: (key) => noteOf(text, key),
    object: parse(text),
  }));
}

/** Values may be quoted as in YAML. */
function noteOf(text: string, key: string): string {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`# ${key}: `));
  return line === undefined ? '' : line.slice(key.length + 4).replace(/^"(.*)"$/, '$1');
}

export function parseByKind(object: ManifestObject): Parsed<unknown> {
  const ofKind = KINDS.filter(({ kind }) => kind === object.kind);
  // Hostile documents may name no group.
  const version: unknown = object.apiVersion;
  const isOf = (group: string) => typeof version === 'string' && version.startsWith(`${group}/`);
  const row = ofKind.find(({ group }) => isOf(group)) ?? ofKind[0];
  if (row === undefined) throw new Error(`no parser for ${object.kind}`);
  return row.parse(object);
}
