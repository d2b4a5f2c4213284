/**
 * FNV-1a over UTF-16 code units, then the finaliser of MurmurHash3 so that every bit of the result depends on every character. Every proxy must come to
 * the same result: keys are spread over endpoints by it. Not against adversaries: whoever chooses keys may choose ones of one endpoint.
 */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return mix(hash);
}

export function mix(value: number): number {
  let z = value ^ (value >>> 16);
  z = Math.imul(z, 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}
