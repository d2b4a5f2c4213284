import type { EndpointState } from './endpoint.ts';

/**
 * The endpoints behind one `endpoints/…` key. The object is stable for as long as the key is held; an update replaces the arrays.
 */
export interface EndpointPool {
  readonly key: string;
  /** Version of the resource; empty until it has arrived. */
  readonly version: string;
  readonly endpoints: readonly EndpointState[];
  /** What to balance over: `endpoints`, or those hinted for the proxy's zone where every endpoint has a hint. */
  readonly preferred: readonly EndpointState[];
  /** Endpoints on the proxy's own node (`internalTrafficPolicy: Local`). */
  readonly local: readonly EndpointState[];
  /** Next index of round-robin. */
  cursor: number;
}
