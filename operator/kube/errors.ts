import { ApiException } from '@kubernetes/client-node';
import { RequestError, type RequestFailure } from '../runtime/errors.ts';

/** The fields of `metav1.Status` that matter. */
export interface ApiStatus {
  kind?: string;
  code?: number;
  reason?: string;
  message?: string;
  details?: { retryAfterSeconds?: number; causes?: { reason?: string; message?: string; field?: string }[] };
}

/** Delay where a server throttles without naming one (client-go retries 429 after a second). */
const THROTTLED_DEFAULT_MS = 1_000;

/** From an answer that is not a success. `body` is the text of the answer, `retryAfter` its header. */
export function fromResponse(status: number, body: string, retryAfter: string | undefined): RequestError {
  return fromStatus({ code: status, ...parseStatus(body) }, retryAfter);
}

/** From a Status object: the body of an answer or an ERROR event in a watch. */
export function fromStatus(status: ApiStatus, retryAfter?: string): RequestError {
  const code = status.code ?? 0;
  const seconds = status.details?.retryAfterSeconds ?? secondsOf(retryAfter);
  const failure = classify(code, status, seconds !== null);
  const retryAfterMs = failure === 'Throttled' ? (seconds === null ? THROTTLED_DEFAULT_MS : seconds * 1000) : 0;
  return new RequestError(failure, status.message ?? `the API server answered ${code}`, { status: code, retryAfterMs });
}

/** Any thrown value as a `RequestError`; aborts pass through unchanged. */
export function toRequestError(error: unknown): unknown {
  if (error instanceof RequestError || isAbort(error)) return error;
  if (error instanceof ApiException) {
    return fromResponse(error.code, String(error.body), error.headers['retry-after']);
  }
  const message = error instanceof Error ? messageOf(error) : String(error);
  return new RequestError('Transient', message, { cause: error });
}

function classify(code: number, status: ApiStatus, namesDelay: boolean): RequestFailure {
  if (code === 410 || status.reason === 'Expired' || isVersionAhead(status)) return 'Expired';
  if (code === 429 || (code === 503 && namesDelay)) return 'Throttled';
  if (code === 404) return 'NotFound';
  if (code === 409) return 'Conflict';
  if (code === 401 || code === 403) return 'Forbidden';
  return code >= 400 && code < 500 && code !== 408 ? 'Invalid' : 'Transient';
}

/** The server's data is older than what was seen before (a restored etcd): only a new list helps. */
function isVersionAhead(status: ApiStatus): boolean {
  return status.details?.causes?.some((cause) => cause.reason === 'ResourceVersionTooLarge') ?? false;
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** undici says "fetch failed" or nothing, and puts the reason into `cause`. */
function messageOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : '';
  return [error.message, cause].filter((text) => text !== '').join(': ') || error.name;
}

function secondsOf(header: string | undefined): number | null {
  if (header === undefined || !/^[0-9]{1,5}$/.test(header.trim())) return null;
  return Number(header);
}

function parseStatus(body: string): ApiStatus {
  try {
    const parsed: unknown = JSON.parse(body);
    if (isStatus(parsed)) return parsed;
  } catch {
    // A proxy in between answers in plain text or HTML.
  }
  return body === '' ? {} : { message: body.slice(0, 500) };
}

function isStatus(value: unknown): value is ApiStatus {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status';
}
