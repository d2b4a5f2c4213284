import { HEAD_BYTES } from '../../contract/head-bytes.ts';

/** Bytes of a body that are copied behind a head so that both go out in one write: one read of a socket. */
const FIRST_BODY_BYTES = 64 * 1024;
/** Lines of ours that a head gets on its way. */
const EXTRA_BYTES = 4096;

/**
 * Where heads are put together with what follows them. One for the whole process: it is filled and written within one call. As large as the largest head
 * that a connection may have needs, and no larger: the collector counts all of it, touched or not, and waits for the longer.
 */
export let scratch: Buffer = withRoomFor(HEAD_BYTES.fallback);

/** Whoever takes or writes heads of up to `headBytes` says so before the first. */
export function reserveScratch(headBytes: number): void {
  if (scratch.length < sizeFor(headBytes)) scratch = withRoomFor(headBytes);
}

/** How many bytes of a body to put behind the first `used` bytes. */
export function roomBehind(used: number): number {
  return Math.max(0, HEAD_BYTES.fallback + FIRST_BODY_BYTES - used);
}

function sizeFor(headBytes: number): number {
  return headBytes + EXTRA_BYTES + FIRST_BODY_BYTES;
}

function withRoomFor(headBytes: number): Buffer {
  return Buffer.allocUnsafeSlow(sizeFor(headBytes));
}
