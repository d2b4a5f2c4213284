import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const FOLDERS = ['lib', 'proxy-image', 'crds', 'webhooks', 'operator', 'samples', 'hack', 'cli', 'test'];

export interface SourceFile {
  /** Relative to the root of the tree. */
  path: string;
  text: string;
  lines: number;
  /** Paths of this tree that it imports (types counted, dynamic imports too). */
  imports: string[];
  packages: string[];
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|(?:^|\n)\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

export function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

export function sourceFiles(): SourceFile[] {
  const paths = FOLDERS.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }));
  return paths.filter((path) => !path.includes('node_modules')).map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const targets = importsOf(text);
  return {
    path,
    text,
    lines: text.split('\n').length - 1,
    imports: targets.filter((target) => target.startsWith('.')).map((target) => normalize(join(dirname(path), target))),
    packages: targets.filter((target) => !target.startsWith('.')),
  };
}
