import { UNKNOWN } from '../contract/policy/grpc-status.ts';
import { type Answer, errorAnswer } from './answer.ts';
import { FAILURES } from './failures.ts';

export const MAX_FORWARDS = 'max-forwards';

/** Beyond it nobody counts. */
const MANY = 999_999_999;

/** RFC 9110 section 7.6.2: the only methods for which `Max-Forwards` counts. */
export function countsForwards(method: string): boolean {
  return method === 'OPTIONS' || method === 'TRACE';
}

/** The value of the field; -1 when it says nothing. */
export function parseMaxForwards(value: string): number {
  return /^[0-9]+$/.test(value) ? Math.min(Number(value), MANY) : -1;
}

/** Of a request that may be forwarded no more. TRACE is not reflected: what comes back would hold the credentials that were sent (RFC 9110 section 9.3.8). */
export function lastRecipientAnswer(method: string): Answer {
  if (method === 'OPTIONS') return { status: 200, grpcStatus: UNKNOWN, fields: [], body: '', reason: '' };
  const { fields, ...answer } = errorAnswer(FAILURES.no_forwards, false);
  return { ...answer, fields: [...fields, ['allow', 'OPTIONS']] };
}
