import type { SessionProtocol } from '../../core/state/protocol.ts';

/**
 * What precedes the bytes of every connection between proxies (linkerd2-proxy, transport-header): a preface, a length (32 bits, big endian), and a
 * protobuf message `Header {int32 port = 1; string name = 2; SessionProtocol session_protocol = 3 {oneof {Http1 http_1 = 1; Http2 http_2 = 2}}}`.
 */
const PREFACE = Buffer.from('transport.l5d.io/v1\r\n\r\n', 'latin1');
const LENGTH_BYTES = 4;
/** A name has at most 253 characters; a port, six bytes. */
const MAX_MESSAGE_BYTES = 512;

export interface TransportHeader {
  port: number;
  /** A gateway's target; empty = the pod itself. */
  name: string;
  /** What follows the header; `opaque` is the absence of a session protocol. */
  session: SessionProtocol;
}

const SESSION_FIELD: Readonly<Record<SessionProtocol, number[]>> = {
  opaque: [],
  http1: [0x1a, 2, 0x0a, 0],
  http2: [0x1a, 2, 0x12, 0],
};

export function encodeTransportHeader(header: TransportHeader): Buffer {
  const name = Buffer.from(header.name, 'utf8');
  const message = Buffer.concat([
    Buffer.from([0x08, ...varint(header.port)]),
    Buffer.from(name.length === 0 ? [] : [0x12, ...varint(name.length)]),
    name,
    Buffer.from(SESSION_FIELD[header.session]),
  ]);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  return Buffer.concat([PREFACE, length, message]);
}

function varint(value: number): number[] {
  const octets: number[] = [];
  for (; value > 0x7f; value >>>= 7) octets.push((value & 0x7f) | 0x80);
  return [...octets, value];
}

export interface DecodedHeader {
  header: TransportHeader;
  /** Where the session's own bytes begin. */
  end: number;
}

/** `null` = more bytes are needed; a text = why these are no transport header. */
export function decodeTransportHeader(bytes: Uint8Array): DecodedHeader | null | string {
  const known = Math.min(bytes.length, PREFACE.length);
  for (let i = 0; i < known; i++) if (bytes[i] !== PREFACE[i]) return 'no transport header';
  const start = PREFACE.length + LENGTH_BYTES;
  if (bytes.length < start) return null;
  const length = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(PREFACE.length);
  if (length > MAX_MESSAGE_BYTES) return 'the transport header is too long';
  const end = start + length;
  if (bytes.length < end) return null;
  const header = decodeMessage(bytes.subarray(start, end));
  return header === null ? 'malformed transport header' : { header, end };
}

interface Field {
  number: number;
  /** Varint value, or length of what begins at `start`. */
  value: number;
  isBytes: boolean;
  start: number;
  next: number;
}

function decodeMessage(bytes: Uint8Array): TransportHeader | null {
  const header: TransportHeader = { port: 0, name: '', session: 'opaque' };
  for (let at = 0; at < bytes.length; ) {
    const field = readField(bytes, at);
    if (field === null || !applyField(header, field, bytes)) return null;
    at = field.next;
  }
  return header.port >= 1 && header.port <= 65535 ? header : null;
}

/** Unknown fields are skipped, known ones of the wrong wire type refused. The last of a repeated field wins (protobuf encoding). */
function applyField(header: TransportHeader, field: Field, bytes: Uint8Array): boolean {
  if (field.number === 1) {
    header.port = field.value;
    return !field.isBytes;
  }
  if (field.number === 2) {
    header.name = Buffer.from(bytes.subarray(field.start, field.next)).toString('utf8');
    return field.isBytes;
  }
  if (field.number !== 3) return true;
  const session = field.isBytes ? decodeSession(bytes.subarray(field.start, field.next)) : null;
  header.session = session ?? header.session;
  return session !== null;
}

function decodeSession(bytes: Uint8Array): SessionProtocol | null {
  let session: SessionProtocol = 'opaque';
  for (let at = 0; at < bytes.length; ) {
    const field = readField(bytes, at);
    if (field === null) return null;
    if (field.number === 1) session = 'http1';
    if (field.number === 2) session = 'http2';
    at = field.next;
  }
  return session;
}

/** Wire types 0 (varint) and 2 (bytes); others are not in this message. */
function readField(bytes: Uint8Array, at: number): Field | null {
  const tag = readVarint(bytes, at);
  if (tag === null) return null;
  const value = readVarint(bytes, tag.next);
  if (value === null) return null;
  const wireType = tag.value & 7;
  if (wireType !== 0 && wireType !== 2) return null;
  const isBytes = wireType === 2;
  const next = isBytes ? value.next + value.value : value.next;
  if (next > bytes.length) return null;
  return { number: tag.value >>> 3, value: value.value, isBytes, start: value.next, next };
}

/** Up to 32 bits: nothing in this message is larger. */
function readVarint(bytes: Uint8Array, at: number): { value: number; next: number } | null {
  let value = 0;
  for (let shift = 0; shift < 28; shift += 7) {
    const octet = bytes[at++];
    if (octet === undefined) return null;
    value |= (octet & 0x7f) << shift;
    if (octet < 0x80) return { value, next: at };
  }
  return null;
}
