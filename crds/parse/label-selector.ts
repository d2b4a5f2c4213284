import { isLabelKey, isLabelValue } from '../scalars/name.ts';
import { quote } from '../scalars/scalar.ts';
import type { LabelSelector } from '../types/label-selector.ts';
import type { Fields } from './fields.ts';
import { LIMITS } from './limits.ts';
import { readRecord } from './metadata.ts';

type Requirement = LabelSelector['matchExpressions'][number];

const OPERATORS = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/** Kubernetes' `LabelSelector` with the API server's own checks (apimachinery `pkg/apis/meta/v1/validation`). */
export function parseLabelSelector(selector: Fields): LabelSelector {
  selector.closed(['matchLabels', 'matchExpressions']);
  const matchLabels = selector.object('matchLabels');
  if (matchLabels !== null) checkLabels(matchLabels);
  return {
    matchLabels: readRecord(selector.raw('matchLabels')),
    matchExpressions: selector.objects('matchExpressions', LIMITS.matchExpressions).map(parseRequirement),
  };
}

function checkLabels(labels: Fields): void {
  const keys = labels.keys();
  if (keys.length > LIMITS.matchLabels) {
    labels.problems.error(labels.path, `must have at most ${LIMITS.matchLabels} labels, not ${keys.length}`);
    return;
  }
  for (const key of keys) {
    const value = labels.text(key);
    if (!isLabelKey(key))
      labels.problems.error(labels.at(key), 'must have a label key: an optional DNS prefix and a name');
    if (!isLabelValue(value)) labels.problems.error(labels.at(key), `must be a label value, not ${quote(value)}`);
  }
}

function parseRequirement(requirement: Fields): Requirement {
  requirement.closed(['key', 'operator', 'values']);
  const key = requirement.text('key');
  if (!isLabelKey(key)) requirement.problems.error(requirement.at('key'), `must be a label key, not ${quote(key)}`);
  if (requirement.text('operator') === '') requirement.problems.error(requirement.at('operator'), 'is required');
  const operator = requirement.oneOf('operator', OPERATORS, 'Exists');
  const values = requirement.strings('values', LIMITS.selectorValues);
  for (const { text, path } of values) {
    if (!isLabelValue(text)) requirement.problems.error(path, `must be a label value, not ${quote(text)}`);
  }
  checkArity(requirement, operator, values.length);
  return { key, operator, values: values.map(({ text }) => text) };
}

function checkArity(requirement: Fields, operator: Requirement['operator'], count: number): void {
  const wantsValues = operator === 'In' || operator === 'NotIn';
  if (wantsValues && count === 0) requirement.problems.error(requirement.path, `must have values with ${operator}`);
  if (!wantsValues && count > 0) requirement.problems.error(requirement.path, `must not have values with ${operator}`);
}
