import type { ObjectMeta } from '../../crds/types/object-meta.ts';
import type { Parsed } from '../../crds/types/problem.ts';

/** What a cache keeps of an object: meaning, problems and status, not the raw object. */
export interface Seen<M> {
  meta: ObjectMeta;
  deleting: boolean;
  parsed: Parsed<M>;
  /** As the API server has it; somebody else may have written there. `undefined` for kinds whose status is not ours to write. */
  status: unknown;
}
