import type { X509Certificate } from 'node:crypto';
import { issueLeaf } from '../../operator/pki/authority.ts';
import { fromPem, generateKeyPair, toPem } from '../../operator/pki/certificate.ts';
import type { Trust } from '../../operator/pki/trust.ts';
import type { FakeClock } from '../fakes/clock.ts';
import { isAccepted } from './verify-chain.ts';

const DAY_MS = 86_400_000;

/** What an installation trusts and signs now, as its proxies see it. */
export abstract class PublishedTrust {
  abstract readonly clock: FakeClock;
  abstract trust: Trust;

  get issuer(): X509Certificate {
    return this.trust.current!.issuer.certificate;
  }

  get anchors(): X509Certificate[] {
    return fromPem(this.trust.current!.anchorsPem);
  }

  /** Chain of a certificate that is signed now and lives a day, PEM. */
  leaf(): string {
    const { publicKey } = generateKeyPair();
    const nowMs = this.clock.wallMs();
    return issueLeaf(this.trust.current!.issuer, { publicKey, dnsNames: ['a.test'], lifetimeMs: DAY_MS, nowMs })
      .chainPem;
  }

  /** Whether who trusts these anchors takes the chain now. */
  accepts(chainPem: string, ...anchors: X509Certificate[]): boolean {
    return isAccepted(chainPem, toPem(anchors), this.clock.wallMs());
  }
}
