import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type CustomResourceManifest, loadManifests } from '../../crds/manifest.ts';

const SCRIPT = join(import.meta.dirname, 'definitions');
/** The first time, the Go module is fetched. */
const FETCH_TIMEOUT_MS = 10 * 60_000;

/** Of which release and channel a definition is; every definition of the Gateway API says so in its annotations. */
export interface Bundle {
  version: string;
  channel: string;
}

export function bundleOf({ metadata }: Pick<CustomResourceManifest, 'metadata'>): Bundle {
  const { annotations = {} } = metadata;
  return {
    version: annotations['gateway.networking.k8s.io/bundle-version'] ?? 'unknown version',
    channel: annotations['gateway.networking.k8s.io/channel'] ?? 'unknown',
  };
}

/**
 * The definitions of the Gateway API's standard channel, from its Go module in the version that `go.mod` beside this file pins, or from the folder that
 * GATEWAY_API_DEFINITIONS names.
 * @throws with what the script wrote when they can be had in neither way
 */
export async function gatewayDefinitions(): Promise<CustomResourceManifest[]> {
  const fetched = promisify(execFile)(SCRIPT, [], { timeout: FETCH_TIMEOUT_MS });
  fetched.child.stderr?.pipe(process.stderr, { end: false });
  return loadManifests((await fetched).stdout.trim());
}
