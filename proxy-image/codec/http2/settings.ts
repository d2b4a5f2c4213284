import { FLOW_CONTROL_ERROR, NO_ERROR, PROTOCOL_ERROR } from './error-codes.ts';
import {
  DEFAULT_WINDOW,
  ENABLE_CONNECT_PROTOCOL,
  ENABLE_PUSH,
  FRAME_HEADER_BYTES,
  INITIAL_WINDOW_SIZE,
  MAX_31_BIT,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_BYTES,
  MAX_FRAME_SIZE,
  MAX_HEADER_LIST_SIZE,
  SETTINGS,
  uint32,
  WINDOW_UPDATE,
} from './frames.ts';
import type { Http2Limits } from './limits.ts';

const ENTRY_BYTES = 6;
const INCREMENT_BYTES = 4;
const MAX_FRAME_SIZE_LIMIT = 0xff_ffff;

/** What the peer has announced, as far as it matters here: frames are never larger than every peer takes, and blocks use no table. */
export class PeerSettings {
  initialWindow: number = DEFAULT_WINDOW;
  /** -1 = not announced. */
  maxStreams = -1;
  allowsConnect = false;
  readonly #mayPush: boolean;

  /** `mayPush`: the peer is a client, which says whether it wants pushes. */
  constructor(mayPush: boolean) {
    this.#mayPush = mayPush;
  }

  /** A SETTINGS frame of whole entries, in order. NO_ERROR, or the error of the connection (RFC 9113 section 6.5.2). */
  apply(bytes: Buffer, from: number, to: number): number {
    for (let at = from; at < to; at += ENTRY_BYTES) {
      const code = this.#set((bytes[at]! << 8) | bytes[at + 1]!, uint32(bytes, at + 2));
      if (code !== NO_ERROR) return code;
    }
    return NO_ERROR;
  }

  #set(setting: number, value: number): number {
    switch (setting) {
      case ENABLE_PUSH:
        return value === 0 || (value === 1 && this.#mayPush) ? NO_ERROR : PROTOCOL_ERROR;
      case MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        return NO_ERROR;
      case INITIAL_WINDOW_SIZE:
        if (value > MAX_31_BIT) return FLOW_CONTROL_ERROR;
        this.initialWindow = value;
        return NO_ERROR;
      case MAX_FRAME_SIZE:
        return value < MAX_FRAME_BYTES || value > MAX_FRAME_SIZE_LIMIT ? PROTOCOL_ERROR : NO_ERROR;
      case ENABLE_CONNECT_PROTOCOL:
        return this.#connect(value);
      default:
        return NO_ERROR;
    }
  }

  /** RFC 8441 section 3: never taken back. */
  #connect(value: number): number {
    if (value > 1 || (value === 0 && this.allowsConnect)) return PROTOCOL_ERROR;
    this.allowsConnect = value === 1;
    return NO_ERROR;
  }
}

/** What a server says first: SETTINGS, and the larger window of the connection, which no setting can announce. */
export function serverOpening(limits: Readonly<Http2Limits>): Buffer {
  return opening(limits, [
    [MAX_CONCURRENT_STREAMS, limits.serverStreams],
    [INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [MAX_HEADER_LIST_SIZE, limits.headers.listBytes],
    [ENABLE_CONNECT_PROTOCOL, 1],
  ]);
}

/** The same of a client, behind its preface. */
export function clientOpening(limits: Readonly<Http2Limits>): Buffer {
  return opening(limits, [
    [ENABLE_PUSH, 0],
    [INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [MAX_HEADER_LIST_SIZE, limits.headers.listBytes],
  ]);
}

function opening(
  limits: Readonly<Http2Limits>,
  entries: readonly (readonly [setting: number, value: number])[],
): Buffer {
  const length = entries.length * ENTRY_BYTES;
  const windowAt = FRAME_HEADER_BYTES + length;
  const frames = Buffer.alloc(windowAt + FRAME_HEADER_BYTES + INCREMENT_BYTES);
  frames.writeUIntBE(length, 0, 3);
  frames[3] = SETTINGS;
  entries.forEach(([setting, value], i) => {
    const at = FRAME_HEADER_BYTES + i * ENTRY_BYTES;
    frames.writeUInt16BE(setting, at);
    frames.writeUInt32BE(value, at + 2);
  });
  frames[windowAt + 2] = INCREMENT_BYTES;
  frames[windowAt + 3] = WINDOW_UPDATE;
  frames.writeUInt32BE(limits.connectionWindowBytes - DEFAULT_WINDOW, windowAt + FRAME_HEADER_BYTES);
  return frames;
}
