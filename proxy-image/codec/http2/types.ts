import type { Connection } from '../../io/transport/types.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Http2Request } from './request.ts';
import type { Http2Response } from './response.ts';
import type { Http2Scratch } from './scratch.ts';

/**
 * The HTTP/2 engine (frames, HPACK, streams, flow control) on one side, and what it carries for on the other. A stream calls its `handler`, whose methods
 * live on a prototype: no closure per stream or event. Nothing is called back within `Http2Client.open` and `Http2Stream.send*`.
 */
export interface Http2Stream {
  /** Client role: 0 until the head is sent. */
  readonly id: number;
  handler: StreamHandler;
  /** Client role: the request is HEAD, so that the response may announce a length and have no body. Set before the head is sent. */
  toHead: boolean;
  /** Server role: each direction ends by itself. True from the head of a CONNECT on; to be cleared before the end of a response that refuses it. */
  tunnel: boolean;
  /** A header section, complete: a block of `hpack/encode.ts`. `end` sets END_STREAM. */
  sendHeaders(block: Buffer, end: boolean): void;
  /**
   * Bytes of the body, all of them taken. What windows or the kernel do not let through at once is copied and waits; then the answer is false, and the
   * feeder stops until `handler.onWritable`.
   */
  sendData(bytes: Buffer, from: number, to: number): boolean;
  /**
   * END_STREAM, behind whatever waits. A server's stream is over with it: what is left of the request is refused (RST_STREAM(NO_ERROR), RFC 9113 section
   * 8.1) and `handler` hears nothing more of it. Not so for CONNECT, whose directions end each by itself.
   */
  sendEnd(): void;
  /** A trailer section with END_STREAM, behind whatever waits. */
  sendTrailers(block: Buffer): void;
  /** RST_STREAM. What waits is dropped. `handler` hears nothing more. No effect on a stream that is closed. */
  reset(code: number): void;
  /** All bytes that the handler had not taken (`onData` said false) are on their way: the peer may send as many again. */
  consumed(): void;
  /** Bytes that wait to be sent. */
  readonly pendingBytes: number;
}

/** Why a stream ended before its end. */
export interface StreamEnd {
  /** Error code of RFC 9113 section 7. */
  readonly code: number;
  /** The peer says, or it is certain, that it has not processed the request: RST_STREAM(REFUSED_STREAM), or above the last id of a GOAWAY. */
  readonly unprocessed: boolean;
  /** By the peer's RST_STREAM; otherwise a protocol error of the peer, or the connection was lost. */
  readonly byPeer: boolean;
}

export interface StreamHandler {
  /** Client role: an interim (1xx) or the final response head. `end`: no body follows, and no `onEnd`. */
  onResponse(stream: Http2Stream, response: Http2Response, end: boolean): void;
  /**
   * Bytes of the body without padding, valid during the call. True: they are dealt with. False: they are kept by the handler, which calls
   * `stream.consumed()` later; until then the peer's window stays that much smaller.
   */
  onData(stream: Http2Stream, bytes: Buffer, from: number, to: number): boolean;
  /** The other side has sent all. `trailers` null = none. */
  onEnd(stream: Http2Stream, trailers: HeaderList | null): void;
  /** After `sendData` said false: everything that waited is sent. */
  onWritable(stream: Http2Stream): void;
  /** Last call, unless the stream ended in both directions or `reset` was called. */
  onReset(stream: Http2Stream, end: StreamEnd): void;
}

/** A connection whose peer opens the streams. */
export interface Http2Server {
  readonly connection: Connection;
  readonly scratch: Http2Scratch;
  /** No stream is open. */
  readonly idle: boolean;
  /** GOAWAY with the highest id, then, a round trip later (PING), with the last one that was served; open streams end by themselves, then the connection. */
  drain(): void;
  /** Closes it if nothing is open. */
  closeIdle(): void;
  abort(): void;
  /** Bytes that were read before the engine took over. */
  onData(connection: Connection, chunk: Buffer): void;
}

export interface Http2ServerOwner {
  /** A valid request head. Sets `stream.handler` before it returns. `end`: no body follows, and no `onEnd`. */
  streamOpened(stream: Http2Stream, request: Http2Request, end: boolean): void;
  /** Part of a head (or of another frame) has come and waits for the rest; or no longer. */
  headWaits(waits: boolean): void;
  /** A stream or the whole connection is broken off or answered by the engine itself; see `HttpService.requestRefused`. */
  requestRefused(answer: string, reason: string): void;
  /** Once. */
  closed(server: Http2Server): void;
}

/** A connection on which this side opens the streams. */
export interface Http2Client {
  readonly connection: Connection;
  readonly scratch: Http2Scratch;
  /** Streams that may be opened now; 0 once the peer has sent GOAWAY or this side has retired it. */
  readonly capacity: number;
  readonly openStreams: number;
  /** The peer's SETTINGS have come: `capacity` is no assumption, and `allowsConnect` is known. */
  readonly settled: boolean;
  /** RFC 8441: the peer takes extended CONNECT. */
  readonly allowsConnect: boolean;
  /** Only while `capacity` is positive. The head may be sent at once. */
  open(handler: StreamHandler): Http2Stream;
  /** No more streams; the connection ends with the last one. */
  retire(): void;
}

export interface Http2ClientOwner {
  /** The first SETTINGS have come, or later ones that leave a `capacity`. */
  capacityChanged(client: Http2Client): void;
  /** A stream has ended: `openStreams` is one less. After its handler's last call. */
  streamEnded(client: Http2Client): void;
  /** It takes no more streams: GOAWAY, `retire`, or it is closed. Once. */
  becameUnusable(client: Http2Client): void;
  /** The connection is gone. Once, after `becameUnusable`. */
  closed(client: Http2Client): void;
}
