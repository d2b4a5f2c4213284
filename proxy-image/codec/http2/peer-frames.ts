import { ENDED, RESET_BY_PEER } from './closed-streams.ts';
import { HANDSHAKE } from './deadlines.ts';
import {
  COMPRESSION_ERROR,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from './error-codes.ts';
import {
  ACK,
  CONTINUATION,
  END_HEADERS,
  END_STREAM,
  GOAWAY,
  HEADERS,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  uint31,
  uint32,
  WINDOW_UPDATE,
} from './frames.ts';
import { HeaderBlock } from './header-block.ts';
import { HpackDecoder, LIST_TOO_LARGE } from './hpack/decode.ts';
import type { HeaderList } from './hpack/header-list.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Http2Limits } from './limits.ts';
import type { Output } from './output.ts';
import type { PeerBudget } from './peer-budget.ts';
import { FrameReader, type FrameSink } from './reader.ts';
import type { ReceiveFlow } from './receive-flow.ts';
import type { Http2Scratch } from './scratch.ts';
import type { PeerSettings } from './settings.ts';
import type { EngineStream } from './stream.ts';
import type { Streams } from './streams.ts';
import { trailersOf } from './trailers.ts';

const PRIORITY_BYTES = 5;
const SETTING_BYTES = 6;
/** Cost of frames that move nothing: a token, more for what makes more work. */
const SETTINGS_PER_TOKEN = 4;
const STREAMS_PER_TOKEN = 16;
const BYTES_PER_TOKEN = 1024;

/** What frames act on. */
export interface FrameParts {
  readonly scratch: Http2Scratch;
  readonly output: Output;
  readonly flow: ReceiveFlow;
  readonly budget: PeerBudget;
  readonly streams: Streams;
  readonly lifecycle: Lifecycle;
}

/** What one role does with the peer's frames and the other does not. */
export interface FramesOwner {
  /** No frame but PRIORITY may name such a stream, and HEADERS only to open it (section 5.1). */
  isIdle(id: number): boolean;
  /** A header section on a stream that is open. */
  sectionOf(stream: EngineStream, list: HeaderList, ends: boolean): void;
  /** A header section on one that was not opened yet, … */
  opens(id: number, list: HeaderList, ends: boolean): void;
  /** … and on one that is closed. */
  headersOnClosed(id: number): void;
  /** A header section above the limits. `stream` null = it would have opened one. */
  oversized(id: number, stream: EngineStream | null, ends: boolean): void;
  mayHaveBody(stream: EngineStream): boolean;
  /** The peer has reset a stream, and its handler has heard of it. */
  streamReset(): void;
  settingsChanged(): void;
  pingAnswered(): void;
  goaway(lastId: number): void;
}

/** Frames of the peer (RFC 9113 section 6), as far as both roles treat them alike. */
export class PeerFrames implements FrameSink {
  readonly reader: FrameReader = new FrameReader(this);
  readonly #peer: PeerSettings;
  readonly #scratch: Http2Scratch;
  readonly #output: Output;
  readonly #flow: ReceiveFlow;
  readonly #budget: PeerBudget;
  readonly #streams: Streams;
  readonly #lifecycle: Lifecycle;
  readonly #owner: FramesOwner;
  readonly #decoder: HpackDecoder;
  readonly #block: HeaderBlock;
  #settingsSeen = false;
  #settingsAcked = false;
  /** Frames other than DATA and CONTINUATION so far: whether one that is not complete is still the same. */
  #frames = 0;
  #framesBefore = 0;
  /** Of the DATA frame that is being read; null = its bytes go nowhere. */
  #dataStream: EngineStream | null = null;

  constructor(limits: Readonly<Http2Limits>, peer: PeerSettings, parts: FrameParts, owner: FramesOwner) {
    this.#peer = peer;
    this.#scratch = parts.scratch;
    this.#output = parts.output;
    this.#flow = parts.flow;
    this.#budget = parts.budget;
    this.#streams = parts.streams;
    this.#lifecycle = parts.lifecycle;
    this.#owner = owner;
    this.#decoder = new HpackDecoder(parts.scratch.decoding, limits.headers);
    this.#block = new HeaderBlock(limits);
  }

  get deaf(): boolean {
    return this.#flow.deaf;
  }

  /** A frame or header block has begun and is not complete. */
  get blockOpen(): boolean {
    return this.reader.partial || this.#block.streamId !== 0;
  }

  /** Another one than when this was asked last. */
  blockMoved(): boolean {
    const moved = this.#frames !== this.#framesBefore;
    this.#framesBefore = this.#frames;
    return moved;
  }

  unreadable(code: number): void {
    this.#lifecycle.fail(code);
  }

  // DATA

  dataBegins(id: number, flowBytes: number, bodyBytes: number, ends: boolean): void {
    this.#dataStream = null;
    if (id === 0 || this.#block.streamId !== 0 || !this.#settingsSeen) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if (!this.#flow.charge(flowBytes)) this.#lifecycle.fail(FLOW_CONTROL_ERROR);
    else {
      const stream = this.#streams.open.get(id);
      if (stream === undefined) this.#dataOnClosed(id);
      else if (stream.peerEnded) this.#streams.fail(stream, STREAM_CLOSED);
      else this.#dataOf(stream, flowBytes, bodyBytes, ends);
      if (!this.#flow.deaf && this.#dataStream === null) this.#flow.credit(flowBytes - bodyBytes);
    }
  }

  #dataOf(stream: EngineStream, flowBytes: number, bodyBytes: number, ends: boolean): void {
    stream.receiveWindow -= flowBytes;
    const expected = stream.expectedBytes;
    if (stream.receiveWindow < 0) this.#streams.fail(stream, FLOW_CONTROL_ERROR);
    else if (!this.#owner.mayHaveBody(stream) || (expected !== -1 && stream.receivedBytes + bodyBytes > expected))
      this.#streams.fail(stream, PROTOCOL_ERROR);
    else {
      this.#dataStream = stream;
      if (flowBytes > bodyBytes) this.#flow.creditBoth(stream, flowBytes - bodyBytes);
      if (bodyBytes === 0 && !ends) this.#budget.spend(1);
    }
  }

  #dataOnClosed(id: number): void {
    if (this.#owner.isIdle(id)) this.#lifecycle.fail(PROTOCOL_ERROR);
    else this.onClosed(id);
  }

  /** DATA or HEADERS on a stream that is closed: a mistake, unless it was on its way when this side reset the stream (section 5.1). */
  onClosed(id: number): void {
    const closure = this.#streams.closed.find(id);
    if (closure === ENDED) this.#lifecycle.fail(STREAM_CLOSED);
    else if (closure === RESET_BY_PEER) {
      this.#output.reset(id, STREAM_CLOSED);
      this.#budget.spendReset();
    } else this.#budget.spend(1);
  }

  dataPiece(bytes: Buffer, from: number, to: number): void {
    const stream = this.#dataStream;
    if (stream === null || stream.closed) this.#flow.credit(to - from);
    else this.#streams.deliver(stream, bytes, from, to);
  }

  dataEnds(ends: boolean): void {
    const stream = this.#dataStream;
    if (ends && stream !== null && !stream.closed) this.#streams.peerEnds(stream, null);
  }

  // Other frames

  frame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    const open = this.#block.streamId;
    if (open === 0) this.#frames++;
    if (open === 0 ? !this.#settingsSeen && type !== SETTINGS : type !== CONTINUATION || id !== open) {
      this.#lifecycle.fail(PROTOCOL_ERROR);
      return;
    }
    switch (type) {
      case HEADERS:
        this.#headers(flags, id, bytes, from, to);
        break;
      case WINDOW_UPDATE:
        this.#windowUpdate(id, bytes, from, to);
        break;
      case SETTINGS:
        this.#settings(flags, id, bytes, from, to);
        break;
      default:
        this.#rareFrame(type, flags, id, bytes, from, to);
    }
  }

  #rareFrame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    switch (type) {
      case CONTINUATION:
        this.#continuation(flags, bytes, from, to);
        break;
      case RST_STREAM:
        this.#rstStream(id, bytes, from, to);
        break;
      case PING:
        this.#ping(flags, id, bytes, from, to);
        break;
      case GOAWAY:
        this.#goaway(id, bytes, from, to);
        break;
      case PRIORITY:
        this.#priority(id, bytes, from, to);
        break;
      case PUSH_PROMISE:
        // Clients must not, and servers were told not to (section 6.6).
        this.#lifecycle.fail(PROTOCOL_ERROR);
        break;
      default:
        this.#budget.spend(1 + (to - from) / BYTES_PER_TOKEN);
    }
  }

  #headers(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    let start = from;
    let end = to;
    let size = 0;
    if ((flags & PADDED) !== 0) size++;
    if ((flags & PRIORITY_FLAG) !== 0) size += PRIORITY_BYTES;
    if (to - from < size) {
      this.#lifecycle.fail(FRAME_SIZE_ERROR);
      return;
    }
    if ((flags & PADDED) !== 0) end -= bytes[start++]!;
    // Priorities are ignored (section 5.3.2), but a stream that depends on itself was always a mistake (RFC 7540 section 5.3.1).
    const selfish = (flags & PRIORITY_FLAG) !== 0 && uint31(bytes, start) === id;
    start = from + size;
    if (id === 0 || start > end || selfish) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if ((flags & END_HEADERS) !== 0) this.#section(id, (flags & END_STREAM) !== 0, bytes, start, end);
    else this.#block.begin(id, (flags & END_STREAM) !== 0, bytes, start, end);
  }

  #continuation(flags: number, bytes: Buffer, from: number, to: number): void {
    const id = this.#block.streamId;
    // Without a header block before it, which `frame` cannot see.
    if (id === 0) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if (!this.#block.add(bytes, from, to)) this.#lifecycle.calm();
    if (this.#flow.deaf || (flags & END_HEADERS) === 0) return;
    const block = this.#block.take();
    this.#section(id, this.#block.ends, block, 0, block.length);
  }

  #section(id: number, ends: boolean, bytes: Buffer, from: number, to: number): void {
    const list = this.#decoder.decode(bytes, from, to);
    const stream = this.#streams.open.get(id);
    if (typeof list !== 'number') {
      if (stream !== undefined) this.#owner.sectionOf(stream, list, ends);
      else if (this.#owner.isIdle(id)) this.#owner.opens(id, list, ends);
      else this.#owner.headersOnClosed(id);
    } else if (list !== LIST_TOO_LARGE) this.#lifecycle.fail(COMPRESSION_ERROR);
    else if (stream !== undefined || this.#owner.isIdle(id)) this.#owner.oversized(id, stream ?? null, ends);
    else this.#owner.headersOnClosed(id);
  }

  /** A header section behind the body. */
  trailers(stream: EngineStream, list: HeaderList, ends: boolean): void {
    if (stream.peerEnded) this.#streams.fail(stream, STREAM_CLOSED);
    else if (!ends || typeof trailersOf(list, this.#scratch) === 'number') this.#streams.fail(stream, PROTOCOL_ERROR);
    else this.#streams.peerEnds(stream, list);
  }

  #rstStream(id: number, bytes: Buffer, from: number, to: number): void {
    if (to - from !== 4) this.#lifecycle.fail(FRAME_SIZE_ERROR);
    else if (this.#owner.isIdle(id)) this.#lifecycle.fail(PROTOCOL_ERROR);
    else {
      const stream = this.#streams.open.get(id);
      if (stream === undefined) {
        this.#budget.spend(1);
        return;
      }
      const code = uint32(bytes, from);
      this.#streams.lose(stream, RESET_BY_PEER, { code, unprocessed: code === REFUSED_STREAM, byPeer: true });
      this.#owner.streamReset();
    }
  }

  #windowUpdate(id: number, bytes: Buffer, from: number, to: number): void {
    if (to - from !== 4) {
      this.#lifecycle.fail(FRAME_SIZE_ERROR);
      return;
    }
    this.#budget.spend(1);
    const increment = uint31(bytes, from);
    if (id === 0) this.#connectionWindow(increment);
    else this.#streamWindow(id, increment);
  }

  #connectionWindow(increment: number): void {
    if (increment === 0) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if (!this.#streams.sender.openConnection(increment)) this.#lifecycle.fail(FLOW_CONTROL_ERROR);
  }

  #streamWindow(id: number, increment: number): void {
    const stream = this.#streams.open.get(id);
    if (stream === undefined) {
      if (this.#owner.isIdle(id)) this.#lifecycle.fail(PROTOCOL_ERROR);
    } else if (increment === 0) this.#streams.fail(stream, PROTOCOL_ERROR);
    else if (!this.#streams.sender.openStream(stream, increment)) this.#streams.fail(stream, FLOW_CONTROL_ERROR);
  }

  #settings(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    const length = to - from;
    if (id !== 0) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if ((flags & ACK) !== 0) this.#settingsAck(length);
    else if (length % SETTING_BYTES !== 0) this.#lifecycle.fail(FRAME_SIZE_ERROR);
    else {
      const before = this.#peer.initialWindow;
      const code = this.#peer.apply(bytes, from, to);
      if (!this.#settingsSeen) this.#lifecycle.greeted();
      this.#settingsSeen = true;
      this.#handshake();
      if (code !== NO_ERROR || !this.#resize(this.#peer.initialWindow - before)) {
        this.#lifecycle.fail(code === NO_ERROR ? FLOW_CONTROL_ERROR : code);
        return;
      }
      this.#output.settingsAck();
      this.#budget.spend(1 + length / SETTING_BYTES / SETTINGS_PER_TOKEN);
      if (!this.#flow.deaf) this.#owner.settingsChanged();
    }
  }

  /** A new INITIAL_WINDOW_SIZE counts for open streams too (section 6.9.2). False: a window becomes too large. */
  #resize(change: number): boolean {
    if (change === 0) return true;
    this.#budget.spend(this.#streams.open.size / STREAMS_PER_TOKEN);
    for (const stream of this.#streams.open.values()) {
      if (!this.#streams.sender.openStream(stream, change)) return false;
    }
    return true;
  }

  #settingsAck(length: number): void {
    if (length !== 0) this.#lifecycle.fail(FRAME_SIZE_ERROR);
    else if (!this.#settingsSeen) this.#lifecycle.fail(PROTOCOL_ERROR);
    else {
      this.#settingsAcked = true;
      this.#handshake();
      this.#budget.spend(1);
    }
  }

  #handshake(): void {
    if (this.#settingsSeen && this.#settingsAcked) this.#lifecycle.deadlines.clear(HANDSHAKE);
  }

  #ping(flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    if (id !== 0) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if (to - from !== 8) this.#lifecycle.fail(FRAME_SIZE_ERROR);
    else if ((flags & ACK) !== 0) this.#owner.pingAnswered();
    else this.#output.ping(ACK, bytes, from);
    this.#budget.spend(1);
  }

  #goaway(id: number, bytes: Buffer, from: number, to: number): void {
    if (id !== 0) this.#lifecycle.fail(PROTOCOL_ERROR);
    else if (to - from < 8) this.#lifecycle.fail(FRAME_SIZE_ERROR);
    else {
      this.#budget.spend(1);
      this.#owner.goaway(uint31(bytes, from));
    }
  }

  #priority(id: number, bytes: Buffer, from: number, to: number): void {
    if (to - from !== PRIORITY_BYTES) this.#lifecycle.fail(FRAME_SIZE_ERROR);
    else if (id === 0 || uint31(bytes, from) === id) this.#lifecycle.fail(PROTOCOL_ERROR);
    else this.#budget.spend(1);
  }
}
