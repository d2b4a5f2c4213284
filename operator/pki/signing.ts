import type { Random } from '../../lib/clock.ts';
import { RateLimit, type RateSettings } from '../../lib/rate.ts';
import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { type IdentityAnswer, parseCertifyRequest } from '../../proxy-image/contract/identity-messages.ts';
import { TOKEN_AUDIENCE } from '../../proxy-image/contract/names.ts';
import type { Clock } from '../runtime/clock.ts';
import { withDeadline } from '../runtime/clock.ts';
import { issueLeaf, MAX_LEAF_LIFETIME_MS } from './authority.ts';
import { type CertificateRequest, parseCsr } from './csr.ts';
import type { KnownTrust } from './mesh-trust.ts';
import { type Caller, callerOf, identityOf, type TokenReviewer, type TokenReviewStatus } from './token.ts';

/** One line per answer, whoever asked and whatever came of it. Carries neither token nor key. */
export interface AuditEntry {
  /** `issued`, or the code of the refusal. */
  outcome: string;
  /** What was wrong; empty when issued. */
  reason: string;
  remoteAddress: string;
  namespace: string;
  serviceAccount: string;
  pod: string;
  podUid: string;
  identity: string;
  /** Hexadecimal; empty unless issued. */
  serialNumber: string;
  notAfter: string;
  /** Names in the CSR other than the identity: ignored, but worth a look. */
  foreignNames: readonly string[];
}

export interface SigningSettings {
  suffix: string;
  lifetimeMs: number;
  /** Refuse tokens that are not bound to a pod, which a person can make with `kubectl create token`. */
  requirePod: boolean;
}

export interface SigningLimits {
  perAddress: RateSettings;
  perPod: RateSettings;
  /** Token reviews waiting for the API server. */
  maxReviews: number;
  reviewTimeoutMs: number;
}

/**
 * A pod asks once at start and then every 17 hours; a crashing container asks at most once per back-off. A thousand pods
 * starting together wait their turn by `retryAfterMs` instead of queueing here.
 */
export const DEFAULT_LIMITS: SigningLimits = {
  perAddress: { burst: 20, intervalMs: 1_000 },
  perPod: { burst: 10, intervalMs: 10_000 },
  maxReviews: 100,
  reviewTimeoutMs: 5_000,
};

export interface SigningDependencies {
  trust: () => KnownTrust | null;
  settings: () => SigningSettings;
  tokens: TokenReviewer;
  audit: (entry: AuditEntry) => void;
  clock: Clock;
  random: Random;
  limits: SigningLimits;
}

/** Decides about certificate requests: who asks comes from the token alone, from the CSR only its key is taken. */
export class Signing {
  private readonly given: SigningDependencies;
  private readonly perAddress: RateLimit;
  private readonly perPod: RateLimit;
  private reviews = 0;

  constructor(dependencies: SigningDependencies) {
    this.given = dependencies;
    const nowMs = () => dependencies.clock.nowMs();
    this.perAddress = new RateLimit(dependencies.limits.perAddress, nowMs);
    this.perPod = new RateLimit(dependencies.limits.perPod, nowMs);
  }

  /** @param message the decoded JSON, unchecked. Never rejects. */
  async certify(message: unknown, remoteAddress: string): Promise<IdentityAnswer> {
    const entry: AuditEntry = { ...EMPTY_ENTRY, remoteAddress };
    try {
      return await this.judge(message, entry);
    } catch (error) {
      return refusal(error, entry, this.given.random);
    } finally {
      this.given.audit(entry);
    }
  }

  private async judge(message: unknown, entry: AuditEntry): Promise<IdentityAnswer> {
    admit(this.perAddress, entry.remoteAddress);
    const request = parseCertifyRequest(message);
    if (request === null)
      throw new ControlPlaneError('WEFT_SIGNING_REQUEST', 'not a certify message with token and csr');
    // Before the token: it costs a tenth of a millisecond here, a token review is a request to the API server.
    const csr = parseCsr(decodeBase64(request.csr));
    const caller = callerOf(await this.review(request.token), this.given.settings().requirePod);
    Object.assign(entry, caller);
    admit(this.perPod, caller.podUid || `${caller.namespace}/${caller.serviceAccount}`);
    return this.issue(caller, csr, entry);
  }

  private async review(token: string): Promise<TokenReviewStatus> {
    const { limits, tokens, clock } = this.given;
    if (this.reviews >= limits.maxReviews) throw new RateExceeded(1_000);
    this.reviews += 1;
    try {
      const never = new AbortController().signal;
      return await withDeadline(clock, limits.reviewTimeoutMs, never, () => tokens.review(token, TOKEN_AUDIENCE));
    } catch (error) {
      throw new ControlPlaneError('WEFT_SIGNING_UNAVAILABLE', 'the API server did not review the token', error);
    } finally {
      this.reviews -= 1;
    }
  }

  private issue(caller: Caller, csr: CertificateRequest, entry: AuditEntry): IdentityAnswer {
    const { suffix, lifetimeMs } = this.given.settings();
    const nowMs = this.given.clock.wallMs();
    const trust = this.given.trust();
    if (trust === null || trust.issuer === null)
      throw new ControlPlaneError('WEFT_SIGNING_UNAVAILABLE', 'there is no issuer');
    if (trust.issuerNotAfterMs <= nowMs)
      throw new ControlPlaneError('WEFT_SIGNING_UNAVAILABLE', 'the issuer has expired');
    const identity = identityOf(caller, suffix);
    const leaf = issueLeaf(trust.issuer, {
      publicKey: csr.publicKey,
      dnsNames: [identity],
      lifetimeMs: Math.min(lifetimeMs, MAX_LEAF_LIFETIME_MS),
      nowMs,
    });
    const notAfter = rfc3339(leaf.notAfterMs);
    const foreignNames = csr.requestedNames.filter((name) => name !== identity);
    const { serialNumber } = leaf.certificate;
    Object.assign(entry, { outcome: 'issued', identity, serialNumber, notAfter, foreignNames });
    return {
      type: 'certificate',
      identity,
      certificateChainPem: leaf.chainPem,
      trustAnchorsPem: trust.anchorsPem,
      notBefore: rfc3339(leaf.notBeforeMs),
      notAfter,
    };
  }
}

const EMPTY_ENTRY: AuditEntry = {
  outcome: '',
  reason: '',
  remoteAddress: '',
  namespace: '',
  serviceAccount: '',
  pod: '',
  podUid: '',
  identity: '',
  serialNumber: '',
  notAfter: '',
  foreignNames: [],
};

class RateExceeded extends ControlPlaneError {
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number) {
    super('WEFT_SIGNING_RATE');
    this.retryAfterMs = retryAfterMs;
  }
}

function admit(limit: RateLimit, key: string): void {
  const waitMs = limit.take(key);
  if (waitMs > 0) throw new RateExceeded(waitMs);
}

function refusal(error: unknown, entry: AuditEntry, random: Random): IdentityAnswer {
  const known =
    error instanceof CodedError ? error : new ControlPlaneError('WEFT_SIGNING_UNAVAILABLE', 'internal error', error);
  entry.outcome = known.code;
  entry.reason = known.cause instanceof Error ? `${known.message} (${known.cause.message})` : known.message;
  return { type: 'error', code: known.code, message: known.message, retryAfterMs: retryAfter(known, random) };
}

/** Spread, so that those refused together do not come back together. */
function retryAfter(error: CodedError, random: Random): number | null {
  if (error instanceof RateExceeded) return Math.round(error.retryAfterMs * (1 + random()));
  return error.code === 'WEFT_SIGNING_UNAVAILABLE' ? Math.round(1_000 + 2_000 * random()) : null;
}

function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is not base64; only the exact encoding comes out the same.
  if (bytes.toString('base64') !== text) throw new ControlPlaneError('WEFT_SIGNING_REQUEST', 'csr is not base64');
  return bytes;
}

function rfc3339(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
}
