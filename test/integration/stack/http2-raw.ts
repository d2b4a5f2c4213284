import type { Address } from '../../../proxy-image/io/transport/types.ts';
import {
  ACK,
  describeFrame,
  type Frame,
  PREFACE,
  readFrames,
  SETTINGS_ACK,
  settings,
} from '../../unit/codec/http2/frames.ts';
import type { TestMesh } from './mesh.ts';
import { dialRaw, type RawClient, type Served, serveRaw } from './peers.ts';

/** Takes whole frames from the beginning of `text`; the rest of it stays. */
function takeFrames(text: string): [frames: Frame[], rest: string] {
  const bytes = Buffer.from(text, 'latin1');
  let end = 0;
  while (end + 9 <= bytes.length && end + 9 + bytes.readUIntBE(end, 3) <= bytes.length) {
    end += 9 + bytes.readUIntBE(end, 3);
  }
  return [readFrames(bytes.subarray(0, end)), text.slice(end)];
}

/** A server of HTTP/2 that says what a test makes of each frame. */
export interface RawHttp2 extends Served {
  /** Frames are expected: the preface has come. */
  begun?: boolean;
  send(...frames: Buffer[]): void;
}

export async function serveFrames(
  mesh: TestMesh,
  onFrame: (one: RawHttp2, frame: Frame) => void,
  first: Buffer = settings(),
): Promise<{ port: number; served: RawHttp2[]; stop: () => void }> {
  const { port, served, stop } = await serveRaw(mesh, (connection) => {
    const one = connection as RawHttp2;
    if (one.begun !== true) {
      if (one.text.length < PREFACE.length) return;
      one.begun = true;
      one.text = one.text.slice(PREFACE.length);
      one.send = (...frames) => one.socket.write(Buffer.concat(frames));
      one.send(first, SETTINGS_ACK);
    }
    const [frames, rest] = takeFrames(one.text);
    one.text = rest;
    for (const each of frames) onFrame(one, each);
  });
  return { port, served: served as RawHttp2[], stop };
}

/** A client of HTTP/2 that may say anything. */
export class RawHttp2Client {
  readonly #raw: RawClient;

  constructor(raw: RawClient) {
    this.#raw = raw;
    this.send(PREFACE, settings());
  }

  send(...frames: Buffer[]): void {
    this.#raw.socket.write(Buffer.concat(frames));
  }

  get closed(): boolean {
    return this.#raw.closed || this.#raw.ended;
  }

  /** What the server has said so far, without what belongs to the connection. */
  get heard(): string[] {
    const [frames] = takeFrames(this.#raw.text);
    return frames
      .filter(({ type, flags }) => type !== 'WINDOW_UPDATE' && !(type === 'SETTINGS' && flags <= ACK))
      .map(describeFrame);
  }
}

export function dialFrames(mesh: TestMesh, address: Address): RawHttp2Client {
  return new RawHttp2Client(dialRaw(mesh, address));
}
