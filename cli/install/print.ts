import { stringify } from 'yaml';
import type { Identity, KubeObject } from './object.ts';

export type Format = 'yaml' | 'json';

/** YAML 1.1, in which `off` and `yes` without quotes are booleans: kubectl's parser takes them so. */
const AS_KUBECTL_READS = { version: '1.1', lineWidth: 0, aliasDuplicateObjects: false } as const;

/** Objects as `kubectl apply -f -` and `kubectl delete -f -` read them. */
export function printed(objects: readonly (KubeObject | Identity)[], format: Format): string {
  if (format === 'json') {
    return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2)}\n`;
  }
  return objects.map((object) => `---\n${stringify(object, AS_KUBECTL_READS)}`).join('');
}
