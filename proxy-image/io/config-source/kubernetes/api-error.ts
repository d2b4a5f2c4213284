import { WeftError } from '../../../contract/errors.ts';

/** The API server answered with a status other than 2xx, or sent an ERROR event with it. */
export class ApiError extends WeftError {
  readonly status: number;
  /** What the server asked to wait, 0 when it did not. */
  readonly retryAfterMs: number;

  constructor(path: string, status: number, message: string, retryAfterMs: number) {
    super('WEFT_DIRECT_API', `${status} ${path.split('?')[0]}: ${message}`);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The watch's version is too old: list again (HTTP status or in-stream ERROR event alike). */
export function isExpired(error: unknown): boolean {
  return error instanceof ApiError && error.status === 410;
}

/** `Retry-After` in seconds (API priority and fairness sends it with 429); other forms are not used by API servers. */
export function retryAfterMs(header: string | undefined): number {
  return header !== undefined && /^[0-9]{1,4}$/.test(header) ? Number(header) * 1000 : 0;
}

/** `message` of a `Status` object, or the start of whatever text came. */
export function statusMessage(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed)
      return String(parsed.message).slice(0, 300);
  } catch {
    // Not an API server's answer (a gateway's page, say): its text will do.
  }
  return body.slice(0, 100);
}
