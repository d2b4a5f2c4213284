/**
 * RFC 7541 Appendix B: bits of the code of each octet, and of EOS at the end. The code is canonical, so that the lengths are all there is to know:
 * codes count upwards in the order of length, then symbol.
 */
// biome-ignore format: a table
export const CODE_BITS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const EOS = 256;
/** Inner nodes of the code's tree: one less than its 257 leaves. Node 0 is the root. */
const NODES = 256;

/**
 * What four bits do in a state (a node of the tree): next state << 9 | emits << 8 | octet. Every code has at least five bits, so four bits emit one octet
 * at most. A whole octet at a time would double the speed at sixteen times the memory.
 */
const STEPS = new Uint32Array((NODES + 1) * 16);
const EMITS = 0x100;
/** Next "state" after EOS, which must not occur (RFC 7541 section 5.2): it leads to itself only. */
const FAILED = NODES;
/** States in which a text may end: after nothing, or at most seven bits of padding, all ones. */
const MAY_END = new Uint8Array(NODES + 1);

export const HUFFMAN_ERROR = -1;

/**
 * Decodes `bytes[from..to)` into `out` and returns the length of the text, which may be more than `out` takes (its length less one): the rest is checked
 * and counted only.
 * HUFFMAN_ERROR for EOS and for padding that is too long or not all ones.
 */
export function huffmanDecode(bytes: Uint8Array, from: number, to: number, out: Uint8Array): number {
  const last = out.length - 1;
  let state = 0;
  let length = 0;
  for (let at = from; at < to; at++) {
    const octet = bytes[at]!;
    // Written in any case, kept only if the position moves: no branch to mispredict.
    let step = STEPS[(state << 4) | (octet >> 4)]!;
    out[length < last ? length : last] = step;
    length += (step >> 8) & 1;
    step = STEPS[((step >>> 9) << 4) | (octet & 15)]!;
    out[length < last ? length : last] = step;
    length += (step >> 8) & 1;
    state = step >>> 9;
  }
  return MAY_END[state] === 1 ? length : HUFFMAN_ERROR;
}

fillTables(codeTree());

/** Two children of each node: the number of a node, or the complement of a symbol. */
function codeTree(): Int16Array {
  const children = new Int16Array(NODES * 2);
  const symbols = CODE_BITS.map((_, symbol) => symbol).sort((a, b) => CODE_BITS[a]! - CODE_BITS[b]! || a - b);
  let nodes = 1;
  let code = 0;
  let bits = CODE_BITS[symbols[0]!]!;
  for (const symbol of symbols) {
    code *= 2 ** (CODE_BITS[symbol]! - bits);
    bits = CODE_BITS[symbol]!;
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const child = node * 2 + ((code >>> bit) & 1);
      if (children[child] === 0) children[child] = nodes++;
      node = children[child]!;
    }
    children[node * 2 + (code & 1)] = ~symbol;
    code++;
  }
  return children;
}

function fillTables(children: Int16Array): void {
  for (let state = 0; state < NODES; state++) {
    for (let nibble = 0; nibble < 16; nibble++) STEPS[state * 16 + nibble] = step(children, state, nibble);
  }
  STEPS.fill(FAILED << 9, FAILED * 16);
  for (let node = 0, ones = 0; ones < 8; ones++, node = children[node * 2 + 1]!) MAY_END[node] = 1;
}

function step(children: Int16Array, state: number, nibble: number): number {
  let node = state;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const child = children[node * 2 + ((nibble >> bit) & 1)]!;
    if (child >= 0) {
      node = child;
      continue;
    }
    if (~child === EOS) return FAILED << 9;
    emitted = EMITS | ~child;
    node = 0;
  }
  return (node << 9) | emitted;
}
