/**
 * Something that metrics are kept for. The two numbers belong to the recorder (io/telemetry): the index of its series and the generation of that
 * index when it was resolved, so that a recording needs no label text. -1 = not resolved yet.
 */
export interface SeriesHolder {
  series: number;
  generation: number;
}

/** What the requests of one policy are counted by, where that is their route: itself, its retries, and each share of its distribution. */
export interface RouteSeries {
  readonly isGrpc: boolean;
  readonly route: SeriesHolder;
  readonly retries: SeriesHolder;
  readonly backends: readonly SeriesHolder[];
}

export const UNRESOLVED = -1;

export function newSeries(): SeriesHolder {
  return { series: UNRESOLVED, generation: UNRESOLVED };
}
