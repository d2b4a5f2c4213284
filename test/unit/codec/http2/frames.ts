import { encodeBlock } from '../../../support/http2.ts';

/** A frame as the scripted peer writes and reads it: nothing of the engine is used. */
export interface Frame {
  type: string;
  flags: number;
  id: number;
  payload: Buffer;
}

const TYPES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
];
export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITY = 32;
export const PREFACE: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** `length` other than the payload's makes a frame that lies. */
export function frame(
  type: string | number,
  flags: number,
  id: number,
  payload: Buffer | string = '',
  length = -1,
): Buffer {
  const bytes = Buffer.from(payload);
  const header = Buffer.alloc(9);
  header.writeUIntBE(length === -1 ? bytes.length : length, 0, 3);
  header[3] = typeof type === 'number' ? type : TYPES.indexOf(type);
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, bytes]);
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function settings(...entries: [setting: number, value: number][]): Buffer {
  const bytes = Buffer.alloc(entries.length * 6);
  entries.forEach(([setting, value], i) => {
    bytes.writeUInt16BE(setting, i * 6);
    bytes.writeUInt32BE(value, i * 6 + 2);
  });
  return frame('SETTINGS', 0, 0, bytes);
}

export const SETTINGS_ACK: Buffer = frame('SETTINGS', ACK, 0);
export const data = (id: number, bytes: Buffer | string, flags = 0): Buffer => frame('DATA', flags, id, bytes);
export const rst = (id: number, code: number): Buffer => frame('RST_STREAM', 0, id, word(code));
export const windowUpdate = (id: number, increment: number): Buffer => frame('WINDOW_UPDATE', 0, id, word(increment));
export const ping = (text = '12345678', flags = 0): Buffer => frame('PING', flags, 0, text);
export const goaway = (lastId: number, code = 0): Buffer =>
  frame('GOAWAY', 0, 0, Buffer.concat([word(lastId), word(code)]));

export function block(fields: Record<string, string>): Buffer {
  return encodeBlock(Object.keys(fields), Object.values(fields));
}

export function headers(id: number, fields: Record<string, string>, flags = 0): Buffer {
  return frame('HEADERS', END_HEADERS | flags, id, block(fields));
}

const GET = { ':method': 'GET', ':scheme': 'http', ':path': '/', ':authority': 'web' };
export const get = (id: number, extra: Record<string, string> = {}): Buffer =>
  headers(id, { ...GET, ...extra }, END_STREAM);
export const post = (id: number, extra: Record<string, string> = {}): Buffer =>
  headers(id, { ...GET, ':method': 'POST', ...extra });
export const response = (id: number, flags = 0, extra: Record<string, string> = {}): Buffer =>
  headers(id, { ':status': '200', ...extra }, flags);

/** Throws unless `bytes` are whole frames of allowed size. */
export function readFrames(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const type = TYPES[bytes[at + 3]!];
    if (type === undefined || length > 16_384 || at + 9 + length > bytes.length)
      throw new Error(`no frame at ${at}: ${bytes.subarray(at, at + 20).toString('hex')}`);
    const payload = bytes.subarray(at + 9, at + 9 + length);
    frames.push({ type, flags: bytes[at + 4]!, id: bytes.readUInt32BE(at + 5), payload });
    at += 9 + length;
  }
  return frames;
}

/** One line per frame, such as `DATA 1 5 END`, `RST_STREAM 1 8`, `GOAWAY 3 0`. */
export function describeFrame({ type, flags, id, payload }: Frame): string {
  const end = (flags & END_STREAM) !== 0 && (type === 'DATA' || type === 'HEADERS') ? ' END' : '';
  switch (type) {
    case 'DATA':
      return `DATA ${id} ${payload.length}${end}`;
    case 'HEADERS':
    case 'CONTINUATION':
      return `${type} ${id}${end}`;
    case 'RST_STREAM':
    case 'WINDOW_UPDATE':
      return `${type} ${id} ${payload.readUInt32BE(0)}`;
    case 'GOAWAY':
      return `GOAWAY ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)}`;
    case 'PING':
    case 'SETTINGS':
      return flags === ACK ? `${type} ACK` : type;
    default:
      return `${type} ${id}`;
  }
}
