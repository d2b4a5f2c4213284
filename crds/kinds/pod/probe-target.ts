/**
 * What the kubelet writes into the request line for the `path` of an HTTP probe or hook: path and query, one character per byte. It parses the text
 * as a URL, gives it the pod's host, prints it and parses it again (kubernetes pkg/probe/http/request.go, Go net/url), so that `/a b` becomes
 * `/a%20b`, `healthz` becomes `/healthz`, a query stays as it is and a fragment is dropped. `null` for the few texts of which it makes a request to
 * somewhere else, or none: nothing is exempt for them. test/golden/probe-targets.json has what Go really sends.
 */
export function probeTarget(path: string): string | null {
  const bytes = Buffer.from(path, 'utf8').toString('latin1');
  const parsed = parseReference(bytes);
  // A text that is no URL is taken as a path, whatever is in it.
  return parsed === 'invalid' ? rooted(escapePath(bytes)) : parsed;
}

function parseReference(text: string): string | 'invalid' | null {
  const [reference, fragment] = cut(text, '#');
  if (hasControl(reference) || !isEscaped(fragment)) return 'invalid';
  if (reference.startsWith(':')) return 'invalid';
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:/.exec(reference)?.[0] ?? '';
  const [rest, query] = cutQuery(reference.slice(scheme.length));
  if (!rest.startsWith('/')) {
    // `mailto:a` has no place for a host.
    if (scheme !== '') return null;
    if (cut(rest, '/')[0].includes(':')) return 'invalid';
  }
  const path = withoutAuthority(rest, scheme !== '');
  if (path === null) return null;
  if (!isEscaped(path)) return 'invalid';
  return rooted(printPath(path)) + query;
}

/** The host of a text that has one is replaced by the pod's. One with user, port or brackets is left alone: nobody writes that into a probe. */
function withoutAuthority(rest: string, hasScheme: boolean): string | null {
  if (!rest.startsWith('//') || (!hasScheme && rest.startsWith('///'))) return rest;
  const authority = cut(rest.slice(2), '/')[0];
  return /^[A-Za-z0-9.-]*$/.test(authority) ? rest.slice(2 + authority.length) : null;
}

/** Only a question mark that is the last and only one belongs to no query; it is kept either way. */
function cutQuery(text: string): [path: string, query: string] {
  const at = text.indexOf('?');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at)];
}

/** Bytes that Go leaves in a path which was written with them; it escapes some of them where it has to escape another one. */
const KEPT = /^[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]%]*$/;
const ESCAPED = /[^A-Za-z0-9\-_.~$&+,/:;=@]/g;

function printPath(path: string): string {
  return KEPT.test(path) ? path : escapePath(unescapePath(path));
}

function escapePath(path: string): string {
  return path.replace(ESCAPED, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function unescapePath(path: string): string {
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function hasControl(text: string): boolean {
  return text.split('').some((byte) => byte < ' ' || byte === '\x7f');
}

/** Every `%` is followed by two digits. */
function isEscaped(text: string): boolean {
  return !/%(?![0-9A-Fa-f]{2})/.test(text);
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}

function cut(text: string, separator: string): [before: string, after: string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}
