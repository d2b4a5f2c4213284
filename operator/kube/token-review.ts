import { type Clock, withDeadline } from '../runtime/clock.ts';
import type { RestClient } from './rest.ts';

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
const TIMEOUT_MS = 10_000;

interface RawReview {
  status?: {
    authenticated?: boolean;
    audiences?: string[];
    user?: { username?: string; extra?: Record<string, string[]> };
    error?: string;
  };
}

/** Answer of the API server about a token; what it left out is empty. */
export interface TokenAnswer {
  authenticated: boolean;
  audiences: readonly string[];
  username: string;
  extra: Readonly<Record<string, readonly string[]>>;
  error: string;
}

/** TokenReview of `authentication.k8s.io/v1`. */
export function tokenReviewer(rest: RestClient, clock: Clock) {
  return {
    async review(token: string, audience: string): Promise<TokenAnswer> {
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        spec: { token, audiences: [audience] },
      };
      const { status } = await withDeadline(clock, TIMEOUT_MS, new AbortController().signal, (signal) =>
        rest.json<RawReview>({ method: 'POST', path: PATH, body, signal }),
      );
      return {
        authenticated: status?.authenticated === true,
        audiences: status?.audiences ?? [],
        username: status?.user?.username ?? '',
        extra: status?.user?.extra ?? {},
        error: status?.error ?? '',
      };
    },
  };
}
