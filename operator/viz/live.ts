import type { Group, TrafficQuery } from './window/query.ts';
import type { WindowFigures } from './window/traffic-window.ts';

export type { Group, TrafficQuery, WindowFigures };

/** The live numbers of the proxies that are connected to this replica, for those who answer questions about them. */
export interface LiveNumbers {
  /** Groups in which something has counted, as of now. */
  query(query: TrafficQuery): Group[];
  /** Somebody looks: for the next half minute proxies report every second. To be called with every question. */
  look(): void;
  figures(): WindowFigures;
}
