/** One element of DER: where its content lies. Only what reading a certificate's names needs (X.690: definite lengths, low tag numbers). */
export interface DerElement {
  tag: number;
  start: number;
  end: number;
}

/** The element at `at`, or `null` when it is malformed or reaches beyond `limit`. */
export function readDer(bytes: Uint8Array, at: number, limit: number): DerElement | null {
  if (at + 2 > limit) return null;
  const tag = bytes[at]!;
  let length = bytes[at + 1]!;
  let start = at + 2;
  if (length >= 0x80) {
    const octets = length & 0x7f;
    // More than three length octets would be a certificate of 16 MiB; zero is the indefinite form, which DER forbids.
    if (octets === 0 || octets > 3 || start + octets > limit) return null;
    length = 0;
    for (let i = 0; i < octets; i++) length = (length << 8) | bytes[start + i]!;
    start += octets;
  }
  const end = start + length;
  return end > limit ? null : { tag, start, end };
}

/** The elements within `parent`; `null` when one is malformed. */
export function readDerChildren(bytes: Uint8Array, parent: DerElement): DerElement[] | null {
  const children: DerElement[] = [];
  for (let at = parent.start; at < parent.end; ) {
    const child = readDer(bytes, at, parent.end);
    if (child === null) return null;
    children.push(child);
    at = child.end;
  }
  return children;
}
