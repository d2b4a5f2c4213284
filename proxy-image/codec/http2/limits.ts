import { HEAD_BYTES } from '../../contract/head-bytes.ts';
import type { Timers } from '../../io/transport/types.ts';
import type { FlushQueue } from './flush.ts';
import { MAX_FRAME_BYTES } from './frames.ts';
import { HPACK_LIMITS, type HpackLimits } from './hpack/limits.ts';
import type { Http2Scratch } from './scratch.ts';

/** Caps of the engine. Every cap is counted as frames arrive; none waits for the peer to acknowledge a setting. */
export interface Http2Limits {
  /** Streams that a client may have open on one connection. More are refused, and may be retried elsewhere. */
  serverStreams: number;
  /** Streams that this side opens on one connection, whatever the server allows. More connections serve better than one long queue. */
  clientStreams: number;
  /** Until the server's SETTINGS say how many streams it takes. RFC 9113 section 6.5.2 recommends that servers take no fewer than 100. */
  assumedStreams: number;
  /** What one stream may send ahead. The default of the protocol: nothing has to be acknowledged before it counts. */
  streamWindowBytes: number;
  /** What all streams of a connection together may send ahead: 16 streams at full speed. */
  connectionWindowBytes: number;
  /** Of decoded header sections. */
  headers: HpackLimits;
  /** Encoded size of a header block. An honest block is not longer than what it means. */
  headerBlockBytes: number;
  /** CONTINUATION frames of a block: as many full ones as the largest block needs, and some for peers that cut it smaller. */
  continuationFrames: number;
  /** A header block or frame once begun, the client's preface, the first SETTINGS and the acknowledgement of ours. As protocol detection. */
  handshakeTimeoutMs: number;
  /** Bytes that wait for a peer that takes none: its window is 0 or its kernel is full. As long as gRPC's servers wait between keep-alive checks. */
  stallTimeoutMs: number;
  /** Client role: without a byte from the server for so long it gets a PING; 0 = never. Some servers punish pings, so whoever dials decides. */
  keepAliveMs: number;
  /** It must be answered, by whatever bytes, within this time. */
  keepAliveTimeoutMs: number;
  /** How long a draining server waits for the round trip between its two GOAWAYs. */
  drainPingTimeoutMs: number;
  /** After the last byte was written the peer gets so long to close: closing first could destroy what it has not read. */
  lingerTimeoutMs: number;
  /** Output that waits for the kernel before reading from that peer is suspended: whoever asks but does not read must not fill the memory. */
  pendingOutputBytes: number;
  /**
   * Resets that a peer may cause at once, beyond half of its streams, and how many of them come back per second (CVE-2023-44487). A proxy of a gRPC client
   * whose deadlines expire together resets all of its streams honestly, and again with the retries; an attack makes tens of thousands a second.
   */
  resetBurst: number;
  resetsPerSecond: number;
  /** Frames that move nothing (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown types): at once, and per second. */
  overheadBurst: number;
  overheadPerSecond: number;
}

const SPARE_FRAMES = 4;

export const HTTP2_LIMITS: Readonly<Http2Limits> = {
  serverStreams: 250,
  clientStreams: 1000,
  assumedStreams: 100,
  streamWindowBytes: 65_535,
  connectionWindowBytes: 1024 * 1024,
  ...blockLimits(HEAD_BYTES.fallback),
  handshakeTimeoutMs: 10_000,
  stallTimeoutMs: 300_000,
  keepAliveMs: 0,
  keepAliveTimeoutMs: 3000,
  drainPingTimeoutMs: 1000,
  lingerTimeoutMs: 1000,
  pendingOutputBytes: 256 * 1024,
  resetBurst: 1000,
  resetsPerSecond: 200,
  overheadBurst: 5000,
  overheadPerSecond: 500,
};

/** What follows from the largest head that is taken. */
export function blockLimits(
  headBytes: number,
): Pick<Http2Limits, 'headers' | 'headerBlockBytes' | 'continuationFrames'> {
  return {
    headers: { ...HPACK_LIMITS, listBytes: headBytes },
    headerBlockBytes: headBytes,
    continuationFrames: SPARE_FRAMES + Math.ceil(headBytes / MAX_FRAME_BYTES),
  };
}

/** What all connections of a process share. */
export interface Http2Context {
  readonly timers: Timers;
  readonly flush: FlushQueue;
  readonly limits: Readonly<Http2Limits>;
  /** Made with the first connection: who speaks no HTTP/2 has none. */
  scratch?: Http2Scratch;
}
