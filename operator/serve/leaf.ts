import { X509Certificate } from 'node:crypto';
import { TokenBucket } from '../../lib/rate.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LeafTerms } from '../status/leaf-terms.ts';
import { onlyDnsName } from './certificate.ts';

/** The proxy tries again by itself; one that was told by a connection that broke, or got its certificate from a replica that lags behind, is told again. */
const ASK_AGAIN_MS = 30_000;

/** A renewal changes the certificate once, and perhaps the bundle with it. Each is a signature to verify: who says more than that is not heard. */
const HEARD_PER_ASK = 8;

/** The certificate of one proxy, as its connection has proved it, or as it has said since. */
export class HeldLeaf {
  #certificate: X509Certificate;
  #judged: LeafTerms | null = null;
  #meets = true;
  #askedFor: LeafTerms | null = null;
  #askedMs = 0;
  #toBeHeard = 0;

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate;
  }

  meets(terms: LeafTerms | null): boolean {
    if (terms === null) return true;
    if (terms !== this.#judged) {
      this.#judged = terms;
      this.#meets = isOf(this.#certificate, terms);
    }
    return this.#meets;
  }

  /** Whether the proxy was asked for such a one a short time ago. */
  isAsked(terms: LeafTerms, nowMs: number): boolean {
    return terms === this.#askedFor && nowMs - this.#askedMs < ASK_AGAIN_MS;
  }

  asked(terms: LeafTerms, nowMs: number): void {
    this.#askedFor = terms;
    this.#askedMs = nowMs;
    this.#toBeHeard = HEARD_PER_ASK;
  }

  /**
   * The proxy says that it has another one now. Nothing is granted for it: who says what is not so loses its peers when the authority above the certificate
   * that it really has is no longer trusted. One that nobody has asked for, is not for its identity, or was not signed by the present issuer, is passed over.
   */
  said(chainPem: string, identity: string, terms: LeafTerms | null): void {
    if (this.#toBeHeard === 0) return;
    this.#toBeHeard -= 1;
    const certificate = terms === null ? null : leafOf(chainPem);
    if (terms === null || certificate === null) return;
    const isOwn = !certificate.ca && onlyDnsName(certificate.subjectAltName ?? '') === identity;
    if (!isOwn || !certificate.checkIssued(terms.issuer) || !certificate.verify(terms.issuer.publicKey)) return;
    this.#certificate = certificate;
    this.#judged = null;
  }
}

/** Names and key identifiers tell the issuer: the signature was checked when the certificate came. */
function isOf(certificate: X509Certificate, { issuer, ofIssuer, fromMs }: LeafTerms): boolean {
  if (certificate.validFromDate.getTime() < fromMs) return false;
  return !ofIssuer || certificate.checkIssued(issuer);
}

function leafOf(chainPem: string): X509Certificate | null {
  try {
    return new X509Certificate(chainPem);
  } catch {
    return null;
  }
}

/** A connection that can be asked to renew. */
export interface Renewable {
  readonly leaf: HeldLeaf;
  askForRenewal(): void;
}

/** Each costs the API server a review of its token, and the signer a millisecond: 2,000 proxies take 80 s, and come apart for the next time. */
const ASKED_PER_SECOND = 25;

/** Asks the proxies whose certificates will not do for others, so many a second and no more. */
export class LeafRenewals {
  readonly #terms: () => LeafTerms | null;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;

  constructor(terms: () => LeafTerms | null, clock: Clock) {
    this.#terms = terms;
    this.#clock = clock;
    this.#bucket = new TokenBucket({ burst: ASKED_PER_SECOND, intervalMs: 1_000 / ASKED_PER_SECOND }, clock.nowMs());
  }

  get terms(): LeafTerms | null {
    return this.#terms();
  }

  /** Called every second. */
  ask(proxies: Iterable<Renewable>): void {
    const { terms } = this;
    if (terms === null || this.#clock.wallMs() < terms.sinceMs) return;
    const nowMs = this.#clock.nowMs();
    for (const proxy of proxies) {
      const { leaf } = proxy;
      if (leaf.meets(terms) || leaf.isAsked(terms, nowMs)) continue;
      if (!this.#bucket.take(nowMs)) return;
      leaf.asked(terms, nowMs);
      proxy.askForRenewal();
    }
  }
}
