import type { Filtered, FilteredRequest } from '../../core/filter/apply.ts';

/** What filters do to one call. Made for calls that have any. */
export interface Filtering {
  /** What the rule's have worked on, and what the backend's work on: the request as it came, and as the rule's have left it. */
  readonly request: FilteredRequest;
  readonly rule: Filtered | null;
  /** Of the share that the present attempt goes to. */
  share: Filtered | null;
  /** The copies that are asked for have been made, or will not be. */
  mirrored: boolean;
}
