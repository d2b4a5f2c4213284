import { LIMITS } from './limits.ts';

/** Bytes of a body that are copied behind a head so that both go out in one write: one read of a socket. */
const FIRST_BODY_BYTES = 64 * 1024;

/**
 * Where heads are put together with what follows them. One for the whole process: it is filled and written within one call, and pages that are never
 * touched cost nothing.
 */
export const scratch: Buffer = Buffer.allocUnsafeSlow(LIMITS.headBytes + 4096 + FIRST_BODY_BYTES);
