import { isDnsLabel } from './name.ts';
import { invalid, quote, type Scalar, valid } from './scalar.ts';

const MAX_LENGTH = 253;

/**
 * A client identity of a policy: an exact name (`web.emojivoto.serviceaccount.identity.linkerd.cluster.local`), `*` for any, or `*.suffix`
 * (Linkerd: Authorization Policy reference, `identities`).
 */
export function parseIdentity(text: string): Scalar<string> {
  const [first = '', ...rest] = text.split('.');
  const wellFormed = text.length <= MAX_LENGTH && (first === '*' || isDnsLabel(first)) && rest.every(isDnsLabel);
  return wellFormed ? valid(text) : invalid(`must be a DNS-like identity, * or *.suffix, not ${quote(text)}`);
}

/** `*` matches every identity, `*.suffix` on a label boundary and with at least one label before it, anything else exactly. */
export function matchesIdentity(pattern: string, identity: string): boolean {
  if (pattern === '*') return identity !== '';
  if (!pattern.startsWith('*.')) return pattern === identity;
  return identity.length > pattern.length - 1 && identity.endsWith(pattern.slice(1));
}
