/**
 * What goes into a log of either program, as text of JSON. Fields hold what clients, objects and other servers have said: a terminal must not obey it, and what
 * proves an identity must not be in it, even where an error quotes what it could not read.
 */

/** JSON in which every control character is an escape, also those that JSON may leave as they are (DEL, C1, line separators). */
export function escapeControls(json: string): string {
  return json.replace(/[\u007f-\u009f\u2028\u2029]/g, unicodeEscape);
}

function unicodeEscape(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** RFC 7468 section 10, and the older forms. The text may be JSON within JSON, where a line break is a letter behind backslashes; the end may have been cut off. */
const PRIVATE_KEY =
  /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s]|\\+[nr])*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?/g;
/** A signed token (RFC 7519): header and claims are JSON objects in base64url, which begin like this. Headers are short: looking for the end of one is bounded. */
const TOKEN = /eyJ[A-Za-z0-9_-]{8,256}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g;

/** The text with `[redacted]` for private keys and ServiceAccount tokens. Code that logs names neither: this is for what it does not know of. */
export function redacted(text: string): string {
  if (!text.includes('PRIVATE KEY') && !text.includes('eyJ')) return text;
  return text.replace(PRIVATE_KEY, '[redacted]').replace(TOKEN, '[redacted]');
}
