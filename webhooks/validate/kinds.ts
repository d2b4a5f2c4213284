import { KINDS } from '../../crds/kinds/registry.ts';
import type { KindRow } from '../../crds/kinds/row.ts';

/** Kinds that are judged by their parsers: what the operator would report as a condition is refused before it is stored. */
export const VALIDATED_KINDS: readonly KindRow[] = KINDS.filter(({ validated }) => validated);
