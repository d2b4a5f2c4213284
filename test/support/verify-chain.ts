import type { X509Certificate } from 'node:crypto';
import { fromPem } from '../../operator/pki/certificate.ts';

/** When a way from the leaf up to an anchor holds: milliseconds since the epoch, both ends included. */
interface Period {
  fromMs: number;
  untilMs: number;
}

const known = new Map<string, readonly Period[]>();

/**
 * Whether a TLS peer that trusts `anchorsPem` accepts `chainPem` (leaf first) at a time of the test's choosing: TLS itself knows only the
 * present. Every way over every certificate of the chain is tried, as OpenSSL and BoringSSL do (RFC 5280 §6.1: signatures, dates, CA).
 */
export function isAccepted(chainPem: string, anchorsPem: string, atMs: number): boolean {
  const key = `${chainPem}\n${anchorsPem}`;
  let periods = known.get(key);
  if (periods === undefined) {
    const [leaf, ...others] = fromPem(chainPem);
    if (leaf === undefined) throw new Error('there is no certificate to verify');
    periods = waysUp(leaf, others, fromPem(anchorsPem));
    known.set(key, periods);
  }
  return periods.some(({ fromMs, untilMs }) => fromMs <= atMs && atMs <= untilMs);
}

function waysUp(
  certificate: X509Certificate,
  others: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): Period[] {
  const own = { fromMs: certificate.validFromDate.getTime(), untilMs: certificate.validToDate.getTime() };
  const isIssuer = (parent: X509Certificate) =>
    parent.ca && certificate.checkIssued(parent) && certificate.verify(parent.publicKey);
  const above = anchors.filter(isIssuer).map((anchor) => ({
    fromMs: anchor.validFromDate.getTime(),
    untilMs: anchor.validToDate.getTime(),
  }));
  for (const parent of others.filter(isIssuer)) {
    const rest = others.filter((other) => other !== parent);
    above.push(...waysUp(parent, rest, anchors));
  }
  return above.map(({ fromMs, untilMs }) => ({
    fromMs: Math.max(fromMs, own.fromMs),
    untilMs: Math.min(untilMs, own.untilMs),
  }));
}
