import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { NestedValues } from '../../cli/install/nested-values.ts';

const BUILD = join(import.meta.dirname, 'helm', 'build');
/** The first time, the Go module is fetched and built. */
const BUILD_LIMIT_MS = 15 * 60_000;
const OUTPUT_BYTES = 256 * 1024 * 1024;

/** What Helm has made of values: the texts of the files by their paths within the chart, or what is wrong with the values. */
export interface Rendering {
  manifests?: Readonly<Record<string, string>>;
  error?: string;
}

/** Path of the program: what HELM_RENDER names, otherwise built from source. */
export async function findRenderer(): Promise<string> {
  const named = process.env['HELM_RENDER'] ?? '';
  if (named !== '') return named;
  const building = promisify(execFile)(BUILD, [], { timeout: BUILD_LIMIT_MS });
  building.child.stderr?.pipe(process.stderr, { end: false });
  return (await building).stdout.trim();
}

/** By Helm's own loader, schema and engine. @returns a rendering for each of `all`, in their order */
export async function rendered(program: string, chart: string, all: readonly NestedValues[]): Promise<Rendering[]> {
  const rendering = promisify(execFile)(program, [chart], { maxBuffer: OUTPUT_BYTES });
  rendering.child.stdin?.end(all.map((values) => JSON.stringify(values)).join('\n'));
  const lines = (await rendering).stdout.trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as Rendering);
}
