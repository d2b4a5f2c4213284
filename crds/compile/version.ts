/**
 * The version of a resource: 64 bits over the text, as 16 hexadecimal digits. Every replica and direct mode compute the same. It tells
 * whether two states of one key differ, nothing more; two independently seeded 32-bit lanes with the finalisation of MurmurHash3.
 */
export function contentVersion(text: string): string {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x01000193);
    low = Math.imul(low ^ unit, 0x5bd1e995);
    low ^= low >>> 15;
  }
  return hex(mix(high ^ text.length)) + hex(mix(low ^ high));
}

function mix(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

function hex(bits: number): string {
  return (bits >>> 0).toString(16).padStart(8, '0');
}
