import { SETTINGS, type Setting, type SettingName } from './settings.ts';
import type { Values } from './values.ts';

/** Values nested by the parts of their names, as files of values have them: those of `--values`, and those of Helm. */
export interface NestedValues {
  [part: string]: unknown;
}

/** Each as its type, for Helm's schema. */
export function nested(values: Values): NestedValues {
  const root: NestedValues = {};
  for (const [name, text] of Object.entries(values)) {
    const parts = name.split('.');
    const last = parts.pop()!;
    let at = root;
    for (const part of parts) {
      at[part] ??= {};
      at = at[part] as NestedValues;
    }
    at[last] = typed(SETTINGS[name as SettingName], text);
  }
  return root;
}

function typed({ type }: Setting, text: string): unknown {
  if (type === 'json') return JSON.parse(text);
  if (type === 'boolean') return text === 'true';
  return type === 'number' ? Number(text) : text;
}
