/**
 * Something that metrics are kept for. The two numbers belong to the recorder (io/telemetry): the index of its series and the generation of that
 * index when it was resolved, so that a recording needs no label text. -1 = not resolved yet.
 */
export interface SeriesHolder {
  series: number;
  generation: number;
}

export const UNRESOLVED = -1;
