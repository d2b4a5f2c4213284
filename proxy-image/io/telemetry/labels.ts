/** Longest label value; identities and names of Kubernetes fit, and what does not is no name of ours. */
const MAX_VALUE_LENGTH = 512;

export type Labels = readonly (readonly [name: string, value: string])[];

/** `a="x",b="y"` with values escaped. Names are ours or come from discovery: characters that no label name may have become `_`. */
export function renderLabels(labels: Labels): string {
  return labels.map(([name, value]) => `${labelName(name)}="${escapeValue(value)}"`).join(',');
}

function labelName(name: string): string {
  const safe = name.replace(/[^a-zA-Z0-9_]/g, '_');
  return /^[0-9]/.test(safe) || safe === '' ? `_${safe}` : safe;
}

function escapeValue(value: string): string {
  const bounded = value.length > MAX_VALUE_LENGTH ? value.slice(0, MAX_VALUE_LENGTH) : value;
  return bounded.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** Two rendered sets as one. */
export function joinLabels(a: string, b: string): string {
  if (a === '') return b;
  return b === '' ? a : `${a},${b}`;
}
