/** Why a request to the API server failed, as far as its caller must act differently. */
export type RequestFailure =
  /** 404. */
  | 'NotFound'
  /** 409: somebody else moved. */
  | 'Conflict'
  /** 410, or a resourceVersion that the server does not know (yet). */
  | 'Expired'
  /** 429, or 503 with Retry-After. */
  | 'Throttled'
  /** 401 and 403. */
  | 'Forbidden'
  /** 400, 415, 422: the same request will fail again. */
  | 'Invalid'
  /** Network errors, timeouts, 5xx. */
  | 'Transient';

/** A failed request. `status` is 0 where no answer came; `retryAfterMs` 0 where the server named no delay. */
export class RequestError extends Error {
  readonly failure: RequestFailure;
  readonly status: number;
  readonly retryAfterMs: number;
  constructor(
    failure: RequestFailure,
    message: string,
    details: { status?: number; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RequestError';
    this.failure = failure;
    this.status = details.status ?? 0;
    this.retryAfterMs = details.retryAfterMs ?? 0;
  }
}

/** What failed, for any thrown value: what is not a `RequestError` came from the network and is transient. */
export function failureOf(error: unknown): RequestFailure {
  return error instanceof RequestError ? error.failure : 'Transient';
}

export function retryAfterOf(error: unknown): number {
  return error instanceof RequestError ? error.retryAfterMs : 0;
}

/** A reconcile that must not be retried before its object changes (controller-runtime: `reconcile.TerminalError`). */
export class TerminalError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TerminalError';
  }
}

/** Failures of the runtime itself; the codes are listed in docs/errors.md. */
export type RuntimeErrorCode =
  | 'WEFT_CACHE_SYNC_TIMEOUT'
  | 'WEFT_LEADER_LOST'
  | 'WEFT_LEADER_OPTIONS'
  | 'WEFT_START_FAILED';

export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode;
  constructor(code: RuntimeErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'RuntimeError';
    this.code = code;
  }
}
