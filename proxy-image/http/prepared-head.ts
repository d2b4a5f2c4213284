import type { HeaderChanges } from '../contract/policy/filter.ts';
import type { ExtraFields, RequestMessage } from './message.ts';

/** What filters change of a head. Empty texts: as it is. */
export interface HeadEdit {
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  readonly changes: readonly HeaderChanges[];
}

/**
 * The head of a request as it goes to the next hop, for every attempt and in either form: bytes of HTTP/1, or a block of HTTP/2. Made by the bridge, which knows
 * both. Reused from request to request.
 */
export interface PreparedHead {
  /** `head` is valid during the event: `prepare` must follow within it, where the request is to go on. */
  take(head: RequestMessage): void;
  prepare(extra: ExtraFields, authority: string): void;
  /** Fields of this one request behind all others of the prepared head: what is remembered of it for other requests stays as it is. Once. */
  add(fields: ExtraFields): void;
  /** Changes the prepared head, whatever has been changed before; `null` = nothing. Not for the common path. */
  edit(edit: HeadEdit | null): void;
  /** The same as `other`, prepared and changed. */
  copy(other: PreparedHead): void;
  /** Where it came as HTTP/1, the head, of which `length` bytes count: nothing has to be written around it. `null` otherwise. */
  readonly http1: Buffer | null;
  readonly length: number;
  /**
   * Writes it as HTTP/1 into `out` at `at`, which has room for the longest; returns the position after it. Of a body of HTTP/2, `chunks`: it will be put
   * into chunks; `whole`: it has been read.
   */
  writeHttp1(out: Buffer, at: number, chunks: boolean, whole: boolean): number;
  /** As HTTP/2 writes it. */
  http2Block(): Buffer;
  /** It came as HTTP/2, and the length of its body was not announced. */
  readonly isOpenEnded: boolean;
  forget(): void;
}
