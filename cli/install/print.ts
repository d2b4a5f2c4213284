import { stringify } from 'yaml';
import type { NestedValues } from './nested-values.ts';
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

/** Values as a file of `--values` has them, and one of Helm; nothing where none are set. */
export function printedValues(values: NestedValues): string {
  return Object.keys(values).length === 0 ? '' : stringify(values, AS_KUBECTL_READS);
}
