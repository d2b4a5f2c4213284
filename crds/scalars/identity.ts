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

const MAX_SPIFFE_LENGTH = 2048;
/** SPIFFE ID, sections 2.1 to 2.3: trust domain and path have these characters; no segment of the path is empty, `.` or `..`. */
const SPIFFE = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[a-zA-Z0-9._-]+)*$/;

/** As `parseIdentity`, or a SPIFFE URI, which is meant exactly (Linkerd: MeshTLSAuthentication `identities`). */
export function parseClientIdentity(text: string): Scalar<string> {
  if (!text.startsWith('spiffe://')) return parseIdentity(text);
  const wellFormed = text.length <= MAX_SPIFFE_LENGTH && SPIFFE.test(text);
  return wellFormed ? valid(text) : invalid(`must be a SPIFFE ID such as spiffe://example.org/web, not ${quote(text)}`);
}
