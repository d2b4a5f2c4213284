import { printable } from '../../crds/scalars/scalar.ts';

/** JSON that a terminal may show: what JSON itself leaves of controls stands as escapes, which mean the same. */
export function jsonOf(value: unknown): string {
  return harmless(JSON.stringify(value, null, 2));
}

/** Line breaks and tabs stay: those of a template are its own. */
export function harmless(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}
