import { BACKENDS } from './backends.ts';
import { FILTERS } from './filters.ts';
import { GRPC } from './grpc.ts';
import { MATCHES } from './matches.ts';
import { PRECEDENCE } from './precedence.ts';
import type { RouteRow } from './row.ts';

/** Every row, by what it is about. */
export const ROUTE_ROWS: Readonly<Record<string, readonly RouteRow[]>> = {
  matches: MATCHES,
  precedence: PRECEDENCE,
  filters: FILTERS,
  backends: BACKENDS,
  gRPC: GRPC,
};
