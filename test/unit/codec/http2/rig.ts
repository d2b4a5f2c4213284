import { Http2ClientConnection } from '../../../../proxy-image/codec/http2/client.ts';
import { FlushQueue } from '../../../../proxy-image/codec/http2/flush.ts';
import type { HeaderList } from '../../../../proxy-image/codec/http2/hpack/header-list.ts';
import { HTTP2_LIMITS, type Http2Context, type Http2Limits } from '../../../../proxy-image/codec/http2/limits.ts';
import type { Http2Request } from '../../../../proxy-image/codec/http2/request.ts';
import type { Http2Response } from '../../../../proxy-image/codec/http2/response.ts';
import { Http2ServerConnection } from '../../../../proxy-image/codec/http2/server.ts';
import type {
  Http2ClientOwner,
  Http2ServerOwner,
  Http2Stream,
  StreamEnd,
  StreamHandler,
} from '../../../../proxy-image/codec/http2/types.ts';
import { FakeClock } from '../../../fakes/clock.ts';
import { FakeTimers } from '../../../fakes/timers.ts';
import { FakeConnection } from '../http1/rig.ts';
import { block, describeFrame, PREFACE, readFrames, SETTINGS_ACK, settings } from './frames.ts';

/** What both roles' rigs have: a fake connection, a hand-turned clock, and what the stream's handlers heard. */
export abstract class EngineRig implements StreamHandler {
  readonly connection: FakeConnection = new FakeConnection();
  readonly clock: FakeClock = new FakeClock();
  readonly context: Http2Context;
  readonly events: string[] = [];
  /** What `onData` answers. */
  takes = true;
  /** Called with each event, for what a handler does within its call. */
  on: (event: string, stream: Http2Stream) => void = () => {};
  bodyBytes = 0;
  #read = 0;

  constructor(limits: Partial<Http2Limits>) {
    this.context = {
      timers: new FakeTimers(this.clock),
      flush: new FlushQueue(),
      limits: { ...HTTP2_LIMITS, ...limits },
    };
  }

  /** The peer says so in one chunk. */
  send(...frames: Buffer[]): void {
    this.connection.receive(Buffer.concat(frames).toString('latin1'));
  }

  /** Raw bytes that the engine has written since the last time. */
  takeBytes(): Buffer {
    const written = Buffer.from(this.connection.text, 'latin1');
    const bytes = written.subarray(this.#read);
    this.#read = written.length;
    return bytes;
  }

  /** Frames that the engine has written since the last time. */
  sent(): string[] {
    return readFrames(this.takeBytes()).map(describeFrame);
  }

  /** What the handlers have heard since the last time. */
  heard(): string[] {
    return this.events.splice(0);
  }

  note(event: string, stream: Http2Stream): void {
    this.events.push(event);
    this.on(event, stream);
  }

  onResponse(stream: Http2Stream, response: Http2Response, end: boolean): void {
    this.note(`response ${stream.id} ${response.status}${end ? ' end' : ''}`, stream);
  }

  onData(stream: Http2Stream, _: Buffer, from: number, to: number): boolean {
    this.bodyBytes += to - from;
    this.note(`data ${stream.id} ${to - from}`, stream);
    return this.takes;
  }

  onEnd(stream: Http2Stream, trailers: HeaderList | null): void {
    this.note(`end ${stream.id}${trailers === null ? '' : ` ${trailers.names.join()}`}`, stream);
  }

  onWritable(stream: Http2Stream): void {
    this.note(`writable ${stream.id}`, stream);
  }

  onReset(stream: Http2Stream, { code, unprocessed, byPeer }: StreamEnd): void {
    this.note(`reset ${stream.id} ${code}${unprocessed ? ' unprocessed' : ''}${byPeer ? ' by peer' : ''}`, stream);
  }
}

export class ServerRig extends EngineRig implements Http2ServerOwner {
  readonly server: Http2ServerConnection;
  readonly streams: Http2Stream[] = [];

  constructor(limits: Partial<Http2Limits> = {}, peerSettings: Buffer | null = settings()) {
    super(limits);
    this.server = new Http2ServerConnection(this.connection, this, this.context);
    if (peerSettings === null) return;
    this.send(PREFACE, peerSettings, SETTINGS_ACK);
    this.sent();
  }

  streamOpened(stream: Http2Stream, request: Http2Request, end: boolean): void {
    stream.handler = this;
    this.streams.push(stream);
    this.note(`opened ${stream.id} ${request.method}${end ? ' end' : ''}`, stream);
  }

  headWaits(): void {}
  requestRefused(): void {}

  closed(): void {
    this.events.push('closed');
  }

  get last(): Http2Stream {
    return this.streams.at(-1)!;
  }
}

export const OK: Buffer = block({ ':status': '200' });
export const GET: Buffer = block({ ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'web' });
export const TRAILERS: Buffer = block({ 'grpc-status': '0' });

export class ClientRig extends EngineRig implements Http2ClientOwner {
  readonly client: Http2ClientConnection;

  constructor(limits: Partial<Http2Limits> = {}, peerSettings: Buffer | null = settings()) {
    super(limits);
    this.client = new Http2ClientConnection(this.connection, null, this, this.context);
    if (peerSettings === null) return;
    this.send(peerSettings, SETTINGS_ACK);
    this.takeBytes();
    this.heard();
  }

  /** A request whose head is sent. */
  request(end = true): Http2Stream {
    const stream = this.client.open(this);
    stream.sendHeaders(GET, end);
    return stream;
  }

  capacityChanged(): void {
    this.events.push(`capacity ${this.client.capacity}`);
  }
  streamEnded(): void {
    this.events.push(`ended ${this.client.openStreams}`);
  }
  becameUnusable(): void {
    this.events.push('unusable');
  }
  closed(): void {
    this.events.push('closed');
  }
}
