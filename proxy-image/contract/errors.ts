/**
 * The error catalogue: stable code → message and what to check next. `docs/errors.md` lists the same codes; a test holds them together.
 * `detail` carries what varies; the message is constant, so that logs can be grouped by it.
 */
export interface ErrorEntry {
  message: string;
  next: string;
}

export const ERRORS = {
  WEFT_CONFIG_ENVIRONMENT: {
    message: 'an environment variable is missing or has a value of the wrong form',
    next: 'compare the container environment with proxy-image/contract/environment.ts; an injected pod sets all of them',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export class WeftError extends Error {
  readonly code: ErrorCode;
  readonly next: string;
  constructor(code: ErrorCode, detail = '', cause?: unknown) {
    super(
      detail === '' ? ERRORS[code].message : `${ERRORS[code].message}: ${detail}`,
      cause === undefined ? undefined : { cause },
    );
    this.name = 'WeftError';
    this.code = code;
    this.next = ERRORS[code].next;
  }
}
