import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { SOURCES } from '../../cli/install/sources.ts';
import { templates } from '../../cli/install/templates.ts';
import { chartFiles } from './charts.ts';
import { kustomizationFiles } from './kustomizations.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Where packages lie in the tree. */
const FOLDERS = ['charts', 'kustomize'] as const;

/** Written by hand: they have no object in them. */
const BY_HAND: readonly string[] = ['charts/weft/templates/NOTES.txt', 'charts/README.md', 'kustomize/README.md'];

/** Every file in the folders of packages that is not written by hand, by its path in the tree. */
export function presentFiles(): string[] {
  const files = FOLDERS.flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }));
  return files
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)))
    .filter((path) => !BY_HAND.includes(path));
}

/** Every file that is made of what `weft install` is made of, by its path in the tree. */
export function packageFiles(): Map<string, string> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const made = templates(SOURCES);
  return new Map([...chartFiles(made, version), ...kustomizationFiles(made)]);
}
