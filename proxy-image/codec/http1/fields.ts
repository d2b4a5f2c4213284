import { CONNECTION_FIELDS, PROXY_ERROR } from '../../http/fields.ts';
import { lowerCase, TOKEN } from '../../http/octets.ts';

/** Fields that the proxy itself must understand; everything else is `OTHER` and passes as it came. */
export const OTHER = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const UPGRADE = 5;
export const TE = 6;
/** Any other of `CONNECTION_FIELDS`: meant for one connection only, never forwarded. */
export const HOP_BY_HOP = 7;
/** The mesh's own: never taken over from outside (Linkerd strips them too). */
export const L5D = 8;
export const L5D_PROXY_ERROR = 9;
export const KEEP_ALIVE = 10;

export type FieldId = number;

interface Known {
  readonly name: string;
  readonly id: FieldId;
}

const NAMED: readonly Known[] = [
  { name: 'host', id: HOST },
  { name: 'content-length', id: CONTENT_LENGTH },
  { name: 'transfer-encoding', id: TRANSFER_ENCODING },
  { name: 'connection', id: CONNECTION },
  { name: 'upgrade', id: UPGRADE },
  { name: 'te', id: TE },
  { name: 'keep-alive', id: KEEP_ALIVE },
  { name: PROXY_ERROR, id: L5D_PROXY_ERROR },
];

const KNOWN: readonly Known[] = [
  ...NAMED,
  ...[...CONNECTION_FIELDS]
    .filter((name) => !NAMED.some((known) => known.name === name))
    .map((name) => ({ name, id: HOP_BY_HOP })),
];

const LONGEST = 17;
const MESH = 'l5d-';
const BY_LENGTH: readonly (readonly Known[])[] = Array.from({ length: LONGEST + 1 }, (_, length) =>
  KNOWN.filter((known) => known.name.length === length),
);

/** By length, a bit for each letter that a known name begins with (its lowest five bits): nearly every other field is told apart by one look-up. */
const BEGINNINGS: Int32Array = Int32Array.from({ length: LONGEST + 2 }, (_, length) =>
  [...(BY_LENGTH[length] ?? []).map(({ name }) => name), ...(length >= MESH.length ? [MESH] : [])].reduce(
    (bits, name) => bits | (1 << (name.charCodeAt(0) & 31)),
    0,
  ),
);

export function recognize(bytes: Uint8Array, from: number, to: number): FieldId {
  const length = to - from;
  const mayBe = BEGINNINGS[length > LONGEST ? LONGEST + 1 : length]! >>> (bytes[from]! & 31);
  return (mayBe & 1) === 0 ? OTHER : recognizeAmong(bytes, from, length);
}

function recognizeAmong(bytes: Uint8Array, from: number, length: number): FieldId {
  if (length <= LONGEST) {
    for (const known of BY_LENGTH[length]!) {
      if (isName(bytes, from, known.name)) return known.id;
    }
  }
  return length >= MESH.length && isName(bytes, from, MESH) ? L5D : OTHER;
}

/** `lower` at `from`, ignoring case. The octets are known to be token characters. */
function isName(bytes: Uint8Array, from: number, lower: string): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (TOKEN[bytes[from + i]!] !== lower.charCodeAt(i)) return false;
  }
  return true;
}

/** The same name, ignoring case. */
export function sameName(
  a: Uint8Array,
  aFrom: number,
  aTo: number,
  b: Uint8Array,
  bFrom: number,
  bTo: number,
): boolean {
  if (aTo - aFrom !== bTo - bFrom) return false;
  for (let i = 0; i < aTo - aFrom; i++) {
    if (lowerCase(a[aFrom + i]!) !== lowerCase(b[bFrom + i]!)) return false;
  }
  return true;
}
