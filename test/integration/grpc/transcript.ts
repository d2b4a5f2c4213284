import { createHash } from 'node:crypto';
import type { Metadata, StatusObject } from '@grpc/grpc-js';

/** Metadata in a form that compares: by name, values in their order, binary ones in base64. */
export type Fields = Record<string, string[]>;

export interface Ending {
  code: number;
  details: string;
  trailers: Fields;
}

/** `date` changes by the second; `l5d-*` is what the mesh is there to add. */
const NOT_COMPARED = /^(?:date$|l5d-)/;

export function fieldsOf(metadata: Metadata): Fields {
  const names = Object.keys(metadata.getMap()).sort();
  const compared = names.filter((name) => !NOT_COMPARED.test(name));
  return Object.fromEntries(compared.map((name) => [name, metadata.get(name).map(textOf)]));
}

function textOf(value: string | Buffer): string {
  return typeof value === 'string' ? value : `base64:${value.toString('base64')}`;
}

/** Header fields as `node:http2` gives them. */
export function fieldsOfHeaders(headers: Readonly<Record<string, string | string[] | number | undefined>>): Fields {
  const compared = Object.entries(headers).filter(([name]) => !NOT_COMPARED.test(name));
  return Object.fromEntries(compared.sort().map(([name, value]) => [name, [value ?? ''].flat().map(String)]));
}

export function endingOf(status: StatusObject): Ending {
  return { code: status.code, details: status.details, trailers: fieldsOf(status.metadata) };
}

/** Says of a message what a difference would show in. */
export function digest(message: Buffer): string {
  if (message.length <= 64) return message.toString('latin1');
  return `${message.length} bytes, ${createHash('sha256').update(message).digest('hex').slice(0, 16)}`;
}

/** Bytes that gzip cannot shrink and that differ at every place: the same ones each time. */
export function noise(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < sizeBytes; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}
