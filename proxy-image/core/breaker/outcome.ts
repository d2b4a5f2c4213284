import { RESOURCE_EXHAUSTED } from '../../contract/policy/grpc-status.ts';

/** What a response says of its endpoint. */
export type Outcome = 'success' | 'failure' | 'rateLimited';

const TOO_MANY_REQUESTS = 429;

/** `isFailure` by the route's classes: where those call 429 a failure, it is one. `grpcStatus` -1 = none. */
export function outcomeOf(isFailure: boolean, status: number, grpcStatus: number): Outcome {
  if (isFailure) return 'failure';
  return status === TOO_MANY_REQUESTS || grpcStatus === RESOURCE_EXHAUSTED ? 'rateLimited' : 'success';
}
