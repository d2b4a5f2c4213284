import type { LabelSelector } from '../types/label-selector.ts';

type Labels = Readonly<Record<string, string>>;

/** Kubernetes' meaning: every requirement must hold, an empty selector matches everything. Labels from `parse/` have no prototype, so `constructor` is no label. */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    selector.matchExpressions.every((requirement) => matchesRequirement(requirement, labels))
  );
}

function matchesRequirement(requirement: LabelSelector['matchExpressions'][number], labels: Labels): boolean {
  const value = labelOf(labels, requirement.key);
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
