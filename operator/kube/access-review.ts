import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { RestClient } from './rest.ts';

const PATH = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
/** Whoever waits for what it is about waits no longer than this. */
const TIMEOUT_MS = 5_000;

export interface Subject {
  name: string;
  uid: string;
  groups: readonly string[];
  extra: Readonly<Record<string, readonly string[]>>;
}

interface RawReview {
  status?: { allowed?: boolean; denied?: boolean; reason?: string; evaluationError?: string };
}

/** SubjectAccessReview of `authorization.k8s.io/v1`. What the answer does not say is no permission. */
export function accessReviewer(rest: RestClient, clock: Clock) {
  return async (
    { name, uid, groups, extra }: Subject,
    resourceAttributes: Readonly<object>,
  ): Promise<{ allowed: boolean; reason: string }> => {
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: name, uid, groups, extra, resourceAttributes },
    };
    const { status } = await withDeadline(clock, TIMEOUT_MS, new AbortController().signal, (signal) =>
      rest.json<RawReview>({ method: 'POST', path: PATH, body, signal }),
    );
    const allowed = status?.allowed === true && status.denied !== true;
    return { allowed, reason: status?.reason || status?.evaluationError || '' };
  };
}
