import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

const SAMPLES = path.join(import.meta.dirname, '../../../samples/gitops');
export const HEALTH_DIRECTORY = path.join(SAMPLES, 'argocd/health');
/** How Argo CD's ConfigMap names the script for a kind. */
const KEY = /^resource\.customizations\.health\.(.+)_(.+)=(.+)$/;

/** The health checks that users of Argo CD and Flux are given. */
export interface HealthChecks {
  /** Scripts by `<group>/<kind>`. */
  lua: Record<string, string>;
  /** Rows of a Kustomization. */
  healthCheckExprs: { apiVersion: string; kind: string }[];
}

/** As the samples have them. */
export function shippedChecks(): HealthChecks {
  const { configMapGenerator } = read<{ configMapGenerator: { files: string[] }[] }>(
    'argocd/health/kustomization.yaml',
  );
  const lua: HealthChecks['lua'] = {};
  for (const entry of configMapGenerator.flatMap(({ files }) => files)) {
    const [, group, kind, file] = KEY.exec(entry) ?? [];
    if (file === undefined) throw new Error(`not a health check: ${entry}`);
    lua[`${group}/${kind}`] = readFileSync(path.join(HEALTH_DIRECTORY, file), 'utf8');
  }
  return { lua, healthCheckExprs: read<{ spec: HealthChecks }>('flux/shop.yaml').spec.healthCheckExprs };
}

/** @param file below `samples/gitops` */
function read<T>(file: string): T {
  return parse(readFileSync(path.join(SAMPLES, file), 'utf8')) as T;
}
