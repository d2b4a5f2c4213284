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

/** Where the manifests lie in the source tree, each in the folder of its kind. A bundle passes the folder that it was shipped with. */
export const MANIFEST_DIRECTORY = join(dirname(fileURLToPath(import.meta.url)), 'kinds');

/** Every `*.yaml` in a folder and below it, in the order of their paths. */
export function manifestFiles(directory: string = MANIFEST_DIRECTORY): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => join(directory, file));
}

export function loadManifests(directory?: string): CustomResourceManifest[] {
  return manifestFiles(directory).map((file) => parse(readFileSync(file, 'utf8')) as CustomResourceManifest);
}
