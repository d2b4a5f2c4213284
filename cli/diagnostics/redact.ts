import { isObject } from '../../lib/json.ts';
import { ENVIRONMENT } from '../../proxy-image/contract/environment.ts';
import { UNDO_ANNOTATION } from '../inject/undo.ts';

/** What stands where something was taken out. */
export const REDACTED = '<redacted>';

/** Annotations of these groups are settings of a mesh, whose values are of a known form; all others may hold anything, and kubectl's holds the whole object. */
const KNOWN_ANNOTATION = /^(?:[a-z0-9-]+\.)*(?:linkerd\.io|weft\.dev)\//;

/** These hold probes of the application as they were, with their headers. */
const PROBES: readonly string[] = [UNDO_ANNOTATION, ENVIRONMENT.relayedProbes.name];

/** Names of variables that injection and installation write, with what they mean. */
const KNOWN_VARIABLE = /^(?:WEFT_(?:PROXY|OPERATOR)_[A-Z0-9_]+|POD_NAME|POD_NAMESPACE)$/;

/**
 * An object of the API without what is, or may be, secret: values of variables that are not ours, values of annotations of others, values of headers and query parameters
 * (in matches, filters and probes), query strings of probes, commands and their arguments, what a field manager has written. What is left goes through `redactText` as well.
 */
export function redactObject(value: unknown): unknown {
  return redactValue(value, []);
}

type Path = readonly string[];

function redactValue(value: unknown, path: Path): unknown {
  if (typeof value === 'string') return redactLeaf(value, path);
  if (Array.isArray(value)) return value.map((item) => redactValue(item, path));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'managedFields');
  return Object.fromEntries(entries.map(([key, below]) => [key, redactEntry(value, key, below, path)]));
}

function redactEntry(owner: Record<string, unknown>, key: string, value: unknown, path: Path): unknown {
  const place = path.at(-1) ?? '';
  if (PROBES.includes(key)) return REDACTED;
  if (place === 'annotations') return KNOWN_ANNOTATION.test(key) ? redactValue(value, [...path, key]) : REDACTED;
  if (key === 'command' || key === 'args') return value === undefined ? value : [REDACTED];
  if (key === 'value' && PAIRS.has(place)) {
    return place === 'env' && isHarmless(String(owner['name'])) ? redactValue(value, path) : REDACTED;
  }
  if (typeof value === 'string' && SECRET_NAME.test(key)) return REDACTED;
  return redactValue(value, [...path, key]);
}

function isHarmless(variable: string): boolean {
  return KNOWN_VARIABLE.test(variable) && !PROBES.includes(variable);
}

/** Fields that nobody in the mesh has, and that somebody may have put where unknown fields are kept. */
const SECRET_NAME =
  /^(?:pass(?:word|wd|phrase)|secret|token|(?:api|access|private)[-_]?key|client[-_]?secret|credentials?)$/i;

/** Lists of names with values. `set` and `add` are those of a filter. */
const PAIRS: ReadonlySet<string> = new Set(['env', 'headers', 'httpHeaders', 'queryParams', 'set', 'add']);

/** A path of a probe may have parameters. */
function redactLeaf(text: string, path: Path): string {
  if (path.at(-1) === 'path' && path.at(-2) === 'httpGet') return redactText(text.replace(/\?.*$/s, `?${REDACTED}`));
  return redactText(text);
}

const SECRETS: readonly (readonly [RegExp, string])[] = [
  // A private key, whole or cut off.
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // RFC 7519: three parts in base64url, the first of which is a JSON object.
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*/g, REDACTED],
  // RFC 9110 §11.4: what follows the scheme.
  [/\b(Bearer|Basic|Digest|Negotiate)\s+[A-Za-z0-9._~+/=-]{4,}/gi, `$1 ${REDACTED}`],
  // RFC 3986 §3.2.1.
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@"']+@/gi, `$1${REDACTED}@`],
  [
    /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|credentials?|client[-_]?secret)["']?\s*[:=]\s*)(?!<redacted>)("[^"]*"|'[^']*'|[^\s"',;&]+)/gi,
    `$1${REDACTED}`,
  ],
];

/** Text of logs, events and the like without what has the form of a secret. */
export function redactText(text: string): string {
  return SECRETS.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text);
}
