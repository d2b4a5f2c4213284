const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const SEMICOLON = 0x3b;
const BACKSLASH = 0x5c;

/**
 * The path as a lenient application would read it: escapes decoded once, `\` taken for `/`, parameters of segments (`;v=1`) and empty segments left out, `.` and
 * `..` followed (RFC 3986 section 5.2.4), never above the root. It is for judgement only: what is forwarded is what came. `path` is without its query; the same
 * string comes back where there is nothing of all that in it, which is nearly always. `null`: an escape is malformed or stands for NUL, which applications
 * read in too many ways.
 */
export function lenientPath(path: string): string | null {
  return isPlain(path) ? path : rewritten(path);
}

function isPlain(path: string): boolean {
  let previous = 0;
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code === PERCENT || code === SEMICOLON || code === BACKSLASH) return false;
    if (previous === SLASH && (code === SLASH || code === DOT)) return false;
    previous = code;
  }
  return true;
}

function rewritten(path: string): string | null {
  const decoded = decodeOnce(path);
  if (decoded === null) return null;
  const segments = decoded.replaceAll('\\', '/').split('/');
  const kept: string[] = [];
  for (const segment of segments) {
    const name = withoutParameters(segment);
    if (name === '..') kept.pop();
    else if (name !== '' && name !== '.') kept.push(name);
  }
  const last = withoutParameters(segments.at(-1) ?? '');
  const isFolder = last === '' || last === '.' || last === '..';
  return kept.length === 0 ? '/' : `/${kept.join('/')}${isFolder ? '/' : ''}`;
}

function withoutParameters(segment: string): string {
  const at = segment.indexOf(';');
  return at === -1 ? segment : segment.slice(0, at);
}

/** Octets as characters: what they mean together is the application's affair. */
function decodeOnce(path: string): string | null {
  let decoded = '';
  let from = 0;
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', from)) {
    const octet = Number.parseInt(path.slice(at + 1, at + 3), 16);
    if (!HEX_PAIR.test(path.slice(at + 1, at + 3)) || octet === 0) return null;
    decoded += path.slice(from, at) + String.fromCharCode(octet);
    from = at + 3;
  }
  return decoded + path.slice(from);
}

const HEX_PAIR = /^[0-9a-fA-F]{2}$/;
