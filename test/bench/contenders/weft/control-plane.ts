import { randomUUID } from 'node:crypto';
import { KINDS } from '../../../../crds/kinds/registry.ts';
import { readMeta } from '../../../../crds/parse/metadata.ts';
import { ClusterState } from '../../../../crds/state/cluster-state.ts';
import type { Parsed } from '../../../../crds/types/problem.ts';
import { expiryOf, notAfterMsOf } from '../../../../operator/pki/authority.ts';
import { IdentityServer } from '../../../../operator/pki/server.ts';
import { ServingCertificate } from '../../../../operator/pki/serving.ts';
import { DEFAULT_LIMITS, Signing } from '../../../../operator/pki/signing.ts';
import type { TokenReviewStatus } from '../../../../operator/pki/token.ts';
import type { TrustState } from '../../../../operator/pki/trust.ts';
import { systemClock } from '../../../../operator/runtime/clock.ts';
import { createConfigServer } from '../../../../operator/serve/server.ts';
import type { ConfigServer, TlsProvider } from '../../../../operator/serve/types.ts';
import {
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PLANE_SERVICE_ACCOUNT,
  DEFAULT_IDENTITY_SUFFIX,
  serviceAccountIdentity,
  TOKEN_AUDIENCE,
} from '../../../../proxy-image/contract/names.ts';
import type { TestAuthority } from '../../../support/certificates.ts';
import { rowOf } from '../../../support/kinds.ts';
import { NAMESPACE, type PodName, podUid, type RawObject } from './cluster-objects.ts';

const DAY_MS = 86_400_000;

export const CONTROL_IDENTITY = serviceAccountIdentity(
  CONTROL_PLANE_SERVICE_ACCOUNT,
  CONTROL_PLANE_NAMESPACE,
  DEFAULT_IDENTITY_SUFFIX,
);

function required<M>({ model, problems }: Parsed<M>): M {
  if (model === null) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return model;
}

/**
 * What a proxy needs of the operator, by the operator's own parts: the configuration stream, fed with objects instead of by informers, and
 * certificate signing, which knows the tokens instead of asking an API server. Nothing moves here while a row is measured.
 */
export class ControlPlane {
  readonly #authority: TestAuthority;
  readonly #state = new ClusterState(KINDS);
  readonly #tokens = new Map<string, PodName>();
  readonly #certificate: ServingCertificate;
  readonly #config: ConfigServer;
  readonly #identity: IdentityServer;
  #resourceVersion = 1;
  configPort = 0;
  identityPort = 0;

  constructor(authority: TestAuthority) {
    this.#authority = authority;
    this.#certificate = new ServingCertificate(
      () => [CONTROL_IDENTITY],
      DAY_MS,
      () => authority.issuer,
      systemClock,
    );
    this.#certificate.start();
    this.#state.applyTrust({ anchorsPem: authority.anchorsPem, resourceVersion: '1' });
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    this.#config = createConfigServer({ state: this.#state, tls: this.#tls(), clock: systemClock, log });
    this.#identity = new IdentityServer({ certificate: this.#certificate, signing: this.#signing() });
  }

  async listen(host: string): Promise<void> {
    this.configPort = await this.#config.listen(0, host);
    this.identityPort = await this.#identity.listen(0, host);
    this.#config.storesSynced();
  }

  apply(objects: readonly RawObject[]): void {
    const reads = new Set<string>();
    for (const raw of objects) {
      const metadata = {
        generation: 1,
        creationTimestamp: '2026-01-01T00:00:00Z',
        ...raw.metadata,
        uid: raw.metadata.uid ?? `uid-of-${raw.kind}-${raw.metadata.name}`,
        resourceVersion: String(this.#resourceVersion++),
      };
      for (const read of this.#applyOne(raw.kind, { ...raw, metadata })) reads.add(read);
    }
    for (const kind of KINDS) this.#state.advance(kind, String(this.#resourceVersion));
    this.#config.invalidate(reads);
  }

  /** For the proxy of this pod; what a projected ServiceAccount token is in a cluster. */
  token(pod: PodName): string {
    const token = randomUUID();
    this.#tokens.set(token, pod);
    return token;
  }

  async close(): Promise<void> {
    this.#certificate.stop();
    await this.#config.close();
    await this.#identity.close();
  }

  #applyOne(kind: string, raw: RawObject): ReadonlySet<string> {
    const row = rowOf(kind);
    return this.#state.apply(row, required(row.parse(raw)), readMeta(raw));
  }

  #tls(): TlsProvider {
    return {
      current: () => ({
        certificateChainPem: this.#certificate.current!.certPem,
        privateKeyPem: this.#certificate.current!.keyPem,
        trustAnchorsPem: this.#authority.anchorsPem,
      }),
      onChange: () => () => {},
    };
  }

  #signing(): Signing {
    const { issuer, anchor, anchorsPem } = this.#authority;
    const trust: TrustState = {
      issuer,
      anchorsPem,
      anchorNotAfterMs: notAfterMsOf(anchor.certificate),
      issuerNotAfterMs: expiryOf(issuer),
      trustedAnchors: 1,
      isCrossing: false,
      leafTerms: null,
    };
    return new Signing({
      trust: () => trust,
      settings: () => ({ suffix: DEFAULT_IDENTITY_SUFFIX, lifetimeMs: DAY_MS, requirePod: true }),
      tokens: { review: async (token) => this.#review(token) },
      audit: () => {},
      clock: systemClock,
      random: Math.random,
      limits: DEFAULT_LIMITS,
    });
  }

  #review(token: string): TokenReviewStatus {
    const pod = this.#tokens.get(token);
    return {
      authenticated: pod !== undefined,
      audiences: [TOKEN_AUDIENCE],
      username: `system:serviceaccount:${NAMESPACE}:${pod}`,
      extra: {
        'authentication.kubernetes.io/pod-name': [pod ?? ''],
        'authentication.kubernetes.io/pod-uid': [pod === undefined ? '' : podUid(pod)],
      },
      error: '',
    };
  }
}
