import {
  CONTROL_PLANE_ERRORS,
  type ControlPlaneErrorCode,
} from '../../../proxy-image/contract/control-plane-errors.ts';

/** `metav1.StatusReason` of the statuses that are answered here. */
const REASONS = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  408: 'Timeout',
  413: 'RequestEntityTooLarge',
  429: 'TooManyRequests',
  431: 'BadRequest',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
} as const;

export type FailureStatus = keyof typeof REASONS;

/** What a request of the aggregated API fails with. `message` is a sentence for whoever asked. */
export class ApiFailure extends Error {
  readonly status: FailureStatus;
  readonly code: ControlPlaneErrorCode;

  constructor(status: FailureStatus, code: ControlPlaneErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ApiFailure';
    this.status = status;
    this.code = code;
  }
}

/** Seconds after which to ask again, where that may help. */
export function retryAfterSeconds(status: FailureStatus): number | null {
  return status === 429 || status === 503 ? 1 : null;
}

/** `metav1.Status`, as `kubectl` and every client library read failures; our code and what to check next are its cause. */
export function statusObject({ status, code, message }: ApiFailure): object {
  const seconds = retryAfterSeconds(status);
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: REASONS[status],
    details: {
      causes: [{ reason: code, message: CONTROL_PLANE_ERRORS[code].next }],
      ...(seconds === null ? {} : { retryAfterSeconds: seconds }),
    },
    code: status,
  };
}
