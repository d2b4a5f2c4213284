/** Classes of octets, as tables: one look-up per byte of a head. */

export const CR = 13;
export const LF = 10;
export const SP = 32;
const HTAB = 9;
export const COLON = 58;

/** RFC 9110 section 5.6.2, `tchar`: the lower-case form of an octet that may stand in a token, 0 for every other. */
export const TOKEN: Uint8Array = tokenTable();

/** RFC 9110 section 5.5: VCHAR, obs-text, blank and tab. CR, LF, NUL and the other controls end a value or spoil it. */
export const FIELD_VALUE: Uint8Array = table((octet) => octet === HTAB || (octet >= SP && octet !== 127));

/**
 * RFC 3986 without fragment: what a request target may hold. `"<>\^`{|}` and octets beyond ASCII (raw UTF-8) are no URI characters but common in real
 * requests, and no delimiters of anybody: they go on as they came.
 */
export const TARGET: Uint8Array = table((octet) => octet > SP && octet !== 127 && octet !== 35);

/** RFC 3986 section 3.2.2, reg-name and IPv4: unreserved, sub-delims and percent. No `@` (userinfo), no `:` (handled as the port's). */
export const HOST_NAME: Uint8Array = table((octet) => /[a-zA-Z0-9\-._~!$&'()*+,;=%]/.test(String.fromCharCode(octet)));

/** Value of a hexadecimal digit, 255 for every other octet. */
export const HEX: Uint8Array = table((octet) => /[0-9a-fA-F]/.test(String.fromCharCode(octet))).map((isHex, octet) =>
  isHex === 0 ? 255 : Number.parseInt(String.fromCharCode(octet), 16),
);

function table(holds: (octet: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => (holds(octet) ? 1 : 0));
}

function tokenTable(): Uint8Array {
  const allowed = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;
  return Uint8Array.from({ length: 256 }, (_, octet) => {
    const text = String.fromCharCode(octet);
    return octet < 128 && allowed.test(text) ? text.toLowerCase().charCodeAt(0) : 0;
  });
}

/** Compares octets with a lower-case ASCII text, ignoring case. */
export function equalsIgnoringCase(bytes: Uint8Array, from: number, to: number, lower: string): boolean {
  if (to - from !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) {
    if (lowerCase(bytes[from + i]!) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

export function lowerCase(octet: number): number {
  return octet >= 65 && octet <= 90 ? octet + 32 : octet;
}

export function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB;
}
