/** As much of gRPC and Protocol Buffers as the suite's `proto.EchoTestService/Echo` needs: one message each way with one string, its field 1. */
export const ECHO_PATH = '/proto.EchoTestService/Echo';
export const CONTENT_TYPE = 'application/grpc';

const PREFIX_BYTES = 5;
/** Field 1, wire type 2: a length and so many bytes. */
const TAG = 0x0a;

/** The message with its prefix: not compressed, length. */
export function framed(text: string): Buffer {
  const bytes = Buffer.from(text);
  const message = bytes.length === 0 ? bytes : Buffer.concat([Buffer.from([TAG, ...varint(bytes.length)]), bytes]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}

/** `null` where the body is not exactly one such message, or compressed. */
export function textOf(body: Buffer): string | null {
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return null;
  const message = body.subarray(PREFIX_BYTES);
  if (message.length === 0) return '';
  if (message[0] !== TAG) return null;
  let length = 0;
  let at = 1;
  for (let more = true; more; at++) {
    const byte = message[at] ?? 0;
    length |= (byte & 0x7f) << (7 * (at - 1));
    more = byte >= 0x80;
  }
  return at + length === message.length ? message.toString('utf8', at) : null;
}
