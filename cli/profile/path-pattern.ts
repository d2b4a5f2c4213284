import { quotePattern } from '../../lib/pattern.ts';

/** A parameter of a path: `{id}`. */
const PARAMETER = /\{[^}]*\}/;
/** What no request line holds as it is (RFC 3986, section 2.1). */
const ENCODED_IN_REQUESTS = /[^\x21-\x7e]+/g;

/** The `pathRegex` of a path of an API, as Linkerd makes it: a parameter is anything but a slash, all else is itself. */
export function pathPattern(path: string): string {
  return path
    .split(PARAMETER)
    .map((text) => quotePattern(text.toWellFormed().replace(ENCODED_IN_REQUESTS, encodeURIComponent)))
    .join('[^/]*');
}
