import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SOURCES } from '../../cli/install/sources.ts';
import { templates } from '../../cli/install/templates.ts';
import { chartFiles } from './charts.ts';
import { kustomizationFiles } from './kustomizations.ts';

export const ROOT = join(import.meta.dirname, '..', '..');
/** Where packages lie in the tree. */
export const FOLDERS = ['charts', 'kustomize'] as const;

/** Every file that is made of what `weft install` is made of, by its path in the tree. */
export function packageFiles(): Map<string, string> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  const made = templates(SOURCES);
  return new Map([...chartFiles(made, version), ...kustomizationFiles(made)]);
}
