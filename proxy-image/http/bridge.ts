import type { HeaderChanges } from '../contract/policy/filter.ts';
import type { BodySink } from './body-sink.ts';
import type { ResponseMessage, Trailers } from './message.ts';
import type { PreparedHead } from './prepared-head.ts';

/** What the codec of one version of HTTP needs of the other, which it does not know (hack/adr/0005-versions-of-http.md). */
export interface Bridge {
  preparedHead(): PreparedHead;
  /** A response that came as HTTP/2, as a head of HTTP/1.1. `framing`: the line that says where its body ends, if there is any. */
  responseText(response: ResponseMessage, framing: string): string;
  /** A response that came as HTTP/1, as a block of HTTP/2, without the lines that do not go on. */
  responseBlock(response: ResponseMessage): Buffer;
  /** The same response with other fields, valid during the event. */
  editedResponse(response: ResponseMessage, changes: readonly HeaderChanges[]): ResponseMessage;
  /** A trailer section of HTTP/1 without what may not pass; `null` when nothing of it can be said in HTTP/2. */
  trailersOf(section: Buffer): Trailers | null;
  /** For one body that comes in chunks of HTTP/1. */
  unframer(): Unframer;
}

/** Takes the framing off a body. */
export interface Unframer {
  feed(bytes: Buffer, from: number, to: number, sink: BodySink): number;
}
