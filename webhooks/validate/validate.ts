import { isDeepStrictEqual } from 'node:util';
import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';
import { child, textOf } from '../../crds/parse/metadata.ts';
import { quote } from '../../crds/scalars/scalar.ts';
import { type AdmissionRequest, ALLOWED, type Answer, describe } from '../review.ts';

/** Judges one object by the parser of its kind: what the operator would report as a condition is refused before it is stored. Depends on the request alone. */
export function validate(request: AdmissionRequest, kinds: readonly KindRow[] = KINDS): Answer {
  const known = kinds.find((row) => row.validated && row.group === request.group && row.kind === request.kind);
  if (known === undefined) {
    const message = `${quote(`${request.kind}.${request.group}`)} is not a kind that is validated here`;
    return { ...ALLOWED, allowed: false, message };
  }
  const { problems } = known.parse(request.object);
  const errors = problems.filter(({ severity }) => severity === 'error');
  const warnings = problems.filter(({ severity }) => severity === 'warning').map(describe);
  if (errors.length === 0) return { ...ALLOWED, warnings };
  if (isLeftAlone(request)) return { ...ALLOWED, warnings: [...errors.map(describe), ...warnings] };
  return { ...ALLOWED, allowed: false, problems: errors, warnings };
}

/**
 * An invalid object that is there already must still be labelled, owned and deleted: an update that leaves the spec as it is, or that
 * takes finalizers off what is being deleted, is not refused.
 */
function isLeftAlone({ operation, object, oldObject }: AdmissionRequest): boolean {
  if (operation !== 'UPDATE') return false;
  if (textOf(child(object, 'metadata'), 'deletionTimestamp') !== '') return true;
  return isDeepStrictEqual(child(object, 'spec'), child(oldObject, 'spec'));
}
