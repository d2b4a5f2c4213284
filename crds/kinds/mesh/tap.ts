import type { Fields } from '../../parse/fields.ts';
import { LIMITS } from '../../parse/limits.ts';
import { quote } from '../../scalars/scalar.ts';
import { isFieldName } from '../../scalars/token.ts';
import type { MeshModel } from './model.ts';

/** Where a name cannot be read, what it should have hidden cannot be known: nobody taps until it is mended. */
const UNREADABLE: MeshModel['tap'] = { redactHeaders: null };

export function parseMeshTap(spec: Fields, fallback: MeshModel['tap']): MeshModel['tap'] {
  if (!spec.has('tap')) return fallback;
  const tap = spec.object('tap');
  if (tap === null) return UNREADABLE;
  tap.closed(['redactHeaders']);
  const written = tap.raw('redactHeaders');
  const names = tap.strings('redactHeaders', LIMITS.redactHeaders).filter(({ text, path }) => {
    const isName = isFieldName(text);
    if (!isName) tap.problems.error(path, `must be the name of a header field, not ${quote(text)}`);
    return isName;
  });
  if (written !== undefined && (!Array.isArray(written) || written.length !== names.length)) return UNREADABLE;
  return { redactHeaders: [...new Set(names.map(({ text }) => text.toLowerCase()))].sort() };
}
