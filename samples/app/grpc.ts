/** As much of gRPC over HTTP/2 as one unary method with opaque messages needs. */
export const ECHO_PATH = '/weft.demo.Echo/Say';

export const OK = 0;

const PREFIX_BYTES = 5;

/** A message with its prefix: not compressed, length. */
export function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The message of a body that holds exactly one; `null` when it does not. */
export function messageOf(body: Buffer): Buffer | null {
  if (body.length < PREFIX_BYTES || body[0] !== 0) return null;
  return body.readUInt32BE(1) === body.length - PREFIX_BYTES ? body.subarray(PREFIX_BYTES) : null;
}
