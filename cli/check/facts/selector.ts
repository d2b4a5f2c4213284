import { oneOf, textList } from '../../../crds/parse/kubernetes-object.ts';
import { child, listOf, readRecord, textOf } from '../../../crds/parse/metadata.ts';
import type { LabelSelector } from '../../../crds/types/label-selector.ts';

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** A `metav1.LabelSelector` of one of Kubernetes' own objects, which the API server has checked; absent = it matches everything. */
export function selectorOf(raw: unknown): LabelSelector {
  return {
    matchLabels: readRecord(child(raw, 'matchLabels')),
    matchExpressions: listOf(raw, 'matchExpressions').map((each) => ({
      key: textOf(each, 'key'),
      operator: oneOf(textOf(each, 'operator'), OPERATORS, 'Exists'),
      values: textList(listOf(each, 'values')),
    })),
  };
}
