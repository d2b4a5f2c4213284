import { parseJsonBytes } from '../lib/json.ts';
import { ControlPlaneError } from '../proxy-image/contract/control-plane-errors.ts';

/** An object of the API server is at most a few dozen levels deep (CRD schemas are limited; a Pod has about twelve). */
export const MAX_DEPTH = 100;

/**
 * JSON from the network as objects without prototype: `__proto__` and `constructor` are keys like any other, and looking up what was
 * not sent finds nothing. Of duplicate keys the last counts.
 * @throws ControlPlaneError WEFT_WEBHOOK_LIMIT beyond `MAX_DEPTH`, WEFT_WEBHOOK_REVIEW when it is not JSON in UTF-8
 */
export function parseHostileJson(body: Uint8Array): unknown {
  if (nestingOf(body) > MAX_DEPTH)
    throw new ControlPlaneError('WEFT_WEBHOOK_LIMIT', `more than ${MAX_DEPTH} levels of JSON`);
  let value: unknown;
  try {
    value = parseJsonBytes(body);
  } catch {
    // The engine's message quotes the input, which has no place in a log.
    throw new ControlPlaneError('WEFT_WEBHOOK_REVIEW', 'the body is not JSON');
  }
  dropPrototypes(value);
  return value;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `{` and `[` differ from `}` and `]` by two. */
const OPENING = [0x7b, 0x5b];
const CLOSING = [0x7d, 0x5d];

/** Deepest nesting, from the bytes alone: recursion over what follows must be safe before anything is built. */
function nestingOf(body: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let i = 0; i < body.length; i += 1) {
    const byte = body[i]!;
    if (inText) {
      if (byte === BACKSLASH) i += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) inText = true;
    else if (OPENING.includes(byte)) deepest = Math.max(deepest, ++depth);
    else if (CLOSING.includes(byte)) depth -= 1;
  }
  return deepest;
}

function dropPrototypes(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) Object.setPrototypeOf(value, null);
  for (const member of Object.values(value)) dropPrototypes(member);
}
