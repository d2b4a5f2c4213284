import { HEAD_BYTES } from '../../../contract/head-bytes.ts';
import { MESSAGE_LIMITS } from '../../../http/limits.ts';

/** Longest text that is ever materialised: one field may be all of the largest head. */
export const TEXT_BYTES: number = HEAD_BYTES.most;

/** What a block may decode to. Counted before anything is made of it, and never above it. */
export interface HpackLimits {
  /** Sum over the fields of name, value and 32 (RFC 7541 section 4.1), as SETTINGS_MAX_HEADER_LIST_SIZE counts. At most TEXT_BYTES. */
  readonly listBytes: number;
  readonly fieldCount: number;
}

/** The same as for HTTP/1. */
export const HPACK_LIMITS: HpackLimits = { listBytes: HEAD_BYTES.fallback, fieldCount: MESSAGE_LIMITS.fieldCount };
