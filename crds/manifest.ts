import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The part of a CustomResourceDefinition (apiextensions.k8s.io/v1) that we read. */
export interface CustomResourceManifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
  spec: {
    group: string;
    scope: 'Namespaced' | 'Cluster';
    names: { kind: string; plural: string; singular: string; shortNames?: string[]; categories?: string[] };
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      deprecated?: boolean;
      deprecationWarning?: string;
      schema: { openAPIV3Schema: JsonSchema };
    }[];
  };
}

export type JsonSchema = { [key: string]: unknown };

/** Where the manifests lie in the source tree. A bundle passes the folder that it was shipped with. */
export const MANIFEST_DIRECTORY = dirname(fileURLToPath(import.meta.url));

/** Reads every `*.yaml` of a folder, in the order of their names. */
export function loadManifests(directory: string = MANIFEST_DIRECTORY): CustomResourceManifest[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => parse(readFileSync(join(directory, file), 'utf8')) as CustomResourceManifest);
}
