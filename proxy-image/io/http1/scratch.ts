import { HEAD_BYTES } from '../../contract/head-bytes.ts';

/** Bytes of a body that are copied behind a head so that both go out in one write: one read of a socket. */
const FIRST_BODY_BYTES = 64 * 1024;

/**
 * Where heads are put together with what follows them. One for the whole process: it is filled and written within one call, and pages that are never
 * touched cost nothing.
 */
export const scratch: Buffer = Buffer.allocUnsafeSlow(HEAD_BYTES.most + 4096 + FIRST_BODY_BYTES);

/** How many bytes of a body to put behind the first `used` bytes. */
export function roomBehind(used: number): number {
  return Math.max(0, HEAD_BYTES.fallback + FIRST_BODY_BYTES - used);
}
