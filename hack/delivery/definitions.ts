import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import type { CustomResourceManifest } from '../../crds/manifest.ts';

const SCRIPT = join(import.meta.dirname, 'definitions');
/** The first time, Go modules are fetched. */
const FETCH_TIMEOUT_MS = 10 * 60_000;

const FILES = {
  flagger: ['flagger/crd.yaml'],
  'argo-rollouts': ['argo-rollouts/rollout-crd.yaml', 'argo-rollouts/analysis-template-crd.yaml'],
} as const;

/** The manifests of Flagger itself: its definitions, and its ServiceAccount with its rights. */
export async function flaggerManifests(): Promise<{ definitions: string; account: string }> {
  const folder = await fetched();
  return { definitions: join(folder, 'flagger', 'crd.yaml'), account: join(folder, 'flagger', 'account.yaml') };
}

/**
 * The definitions of a tool, from its Go module in the version that `go.mod` beside this file pins.
 * @throws with what the script wrote when they cannot be had
 */
export async function deliveryDefinitions(tool: keyof typeof FILES): Promise<CustomResourceManifest[]> {
  const folder = await fetched();
  return FILES[tool].flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((each) => each.toJS() as CustomResourceManifest),
  );
}

async function fetched(): Promise<string> {
  const run = promisify(execFile)(SCRIPT, [], { timeout: FETCH_TIMEOUT_MS });
  run.child.stderr?.pipe(process.stderr, { end: false });
  return (await run).stdout.trim();
}
