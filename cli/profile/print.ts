import { stringify } from 'yaml';

export const FORMATS = ['yaml', 'json'] as const;

export type Format = (typeof FORMATS)[number];

/** Keys in the order of the alphabet and lists not indented: line for line what Linkerd prints, so that profiles under version control show no difference. */
export function printProfile(profile: object, format: Format): string {
  if (format === 'json') return `${JSON.stringify(profile, null, 2)}\n`;
  return stringify(profile, {
    // What reads it (kubectl) takes Yes and On for booleans, as YAML 1.1 does: such names are quoted.
    version: '1.1',
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    singleQuote: true,
    aliasDuplicateObjects: false,
  });
}
