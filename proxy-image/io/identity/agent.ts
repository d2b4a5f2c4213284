import { Backoff, UPPER_HALF } from '../../../lib/backoff.ts';
import { WeftError } from '../../contract/errors.ts';
import type { CertifyAnswer } from '../../contract/identity-messages.ts';
import type { Surroundings } from '../control/clock.ts';
import { errorFields } from '../control/error-fields.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Timer, TimerOwner, Transport } from '../transport/types.ts';
import { type CertifyClient, CertifyRefused, readToken } from './certify.ts';
import type { Credentials, CredentialsProvider } from './credentials.ts';
import { generateKey, type IdentityKey, importKey } from './key.ts';
import { CLOCK_CHECK_MS, renewalTimeMs } from './schedule.ts';
import type { IdentityStore, StoredIdentity } from './store.ts';

export interface IdentityOptions {
  /** Name written into the CSR; the certificate follows the token. */
  name: string;
  tokenFile: string;
  /** The bundle at injection time, PEM: in force until a newer one is known. */
  trustAnchorsPem: string;
}

export interface IdentityStatus {
  /** Milliseconds since the epoch; 0 without a certificate. */
  notAfterMs: number;
  renewals: number;
  failures: number;
}

/** A pod without certificate serves nothing, so it asks often at first; half a minute between attempts does no harm to 1,000 waiting proxies. */
const BACKOFF = { initialMs: 250, maxMs: 30_000, spread: UPPER_HALF };

/**
 * Keeps the proxy's certificate: restores what an earlier container of the pod left, asks the identity service, renews at 70 % of the life,
 * and takes in new trust bundles. Never gives up; an expired certificate stays `current` (the stack refuses it by its dates).
 */
export class IdentityAgent implements CredentialsProvider, TimerOwner {
  readonly #transport: Transport;
  readonly #client: CertifyClient;
  readonly #store: IdentityStore;
  readonly #options: IdentityOptions;
  readonly #surroundings: Surroundings;
  readonly #log: Logger;
  readonly #backoff: Backoff;
  readonly #timer: Timer;
  readonly #listeners: (() => void)[] = [];
  #key: IdentityKey | null = null;
  #stored: StoredIdentity | null = null;
  #current: Credentials | null = null;
  #anchorsPem: string;
  /** Milliseconds since the epoch; 0 = at once. */
  #renewAtMs = 0;
  #asking = false;
  #stopped = false;
  #renewals = 0;
  #failures = 0;

  constructor(
    transport: Transport,
    client: CertifyClient,
    store: IdentityStore,
    options: IdentityOptions,
    surroundings: Surroundings,
    log: Logger,
  ) {
    this.#transport = transport;
    this.#client = client;
    this.#store = store;
    this.#options = options;
    this.#surroundings = surroundings;
    this.#log = log;
    this.#backoff = new Backoff(BACKOFF, surroundings.random);
    this.#timer = surroundings.timers.create(this);
    this.#anchorsPem = options.trustAnchorsPem;
  }

  current(): Credentials | null {
    return this.#current;
  }

  subscribe(listener: () => void): void {
    this.#listeners.push(listener);
  }

  get status(): IdentityStatus {
    return { notAfterMs: this.#current?.notAfterMs ?? 0, renewals: this.#renewals, failures: this.#failures };
  }

  /** The newest trust bundle, PEM. */
  get anchorsPem(): string {
    return this.#anchorsPem;
  }

  /** Restores and starts asking. Resolves when what was stored (if anything) is in force. */
  async start(): Promise<void> {
    await this.#restore();
    this.#key ??= await generateKey();
    this.#check();
  }

  stop(): void {
    this.#stopped = true;
    this.#surroundings.timers.clear(this.#timer);
  }

  /** A bundle that arrived by configuration. One that does not parse is reported by the throw of `tlsContext` and changes nothing. */
  replaceAnchors(anchorsPem: string): void {
    if (anchorsPem === this.#anchorsPem) return;
    if (this.#stored === null) {
      this.#transport.tlsContext({ keyPem: '', certificatePem: '', anchorsPem });
      this.#anchorsPem = anchorsPem;
      return;
    }
    this.#use({ ...this.#stored, anchorsPem });
    this.#keep();
  }

  /** Asks for another certificate now, whatever is left of the present one. */
  renew(): void {
    this.#renewAtMs = 0;
    this.#check();
  }

  onTimer(): void {
    this.#check();
  }

  /** Looks at the wall clock: asks when the time has come, sleeps when it has not. */
  #check(): void {
    if (this.#stopped || this.#asking) return;
    const leftMs = this.#renewAtMs - this.#surroundings.wallMs();
    if (leftMs > 0) {
      this.#surroundings.timers.set(this.#timer, Math.min(leftMs, CLOCK_CHECK_MS));
    } else {
      this.#asking = true;
      void this.#ask();
    }
  }

  async #ask(): Promise<void> {
    let retryMs = 0;
    try {
      await this.#certify();
      this.#backoff.reset();
    } catch (error) {
      retryMs = this.#failed(error);
    }
    this.#asking = false;
    if (this.#stopped) return;
    if (retryMs > 0) this.#surroundings.timers.set(this.#timer, retryMs);
    else this.#check();
  }

  #failed(error: unknown): number {
    this.#failures += 1;
    const retryMs = this.#backoff.nextMs(error instanceof CertifyRefused ? error.retryAfterMs : 0);
    this.#log.warn('no new certificate', { retryMs: Math.round(retryMs), ...errorFields(error) });
    return retryMs;
  }

  async #certify(): Promise<void> {
    const token = readToken(this.#options.tokenFile);
    const key = this.#key ?? (await generateKey());
    const csr = await key.csr(this.#options.name);
    const bundle = { keyPem: '', certificatePem: '', anchorsPem: this.#anchorsPem };
    const answer = await this.#client.certify(this.#transport.tlsContext(bundle), token, csr);
    if (this.#stopped) return;
    this.#take(key, answer);
  }

  #take(key: IdentityKey, answer: CertifyAnswer): void {
    const notAfterMs = Date.parse(answer.notAfter);
    const stored: StoredIdentity = {
      keyPem: key.keyPem,
      identity: answer.identity,
      certificateChainPem: answer.certificateChainPem,
      anchorsPem: answer.trustAnchorsPem,
      notBeforeMs: Date.parse(answer.notBefore),
      notAfterMs,
      renewAtMs: renewalTimeMs(this.#surroundings.wallMs(), notAfterMs, this.#surroundings.random()),
    };
    const problem = this.#problemOf(stored);
    if (problem !== null) throw new WeftError('WEFT_IDENTITY_ANSWER', problem);
    this.#use(stored);
    this.#renewals += 1;
    this.#keep();
    this.#log.info('certificate obtained', { identity: answer.identity, notAfter: answer.notAfter });
    if (answer.identity !== this.#options.name)
      this.#log.warn('the certificate names another identity than the pod was started with', {
        identity: answer.identity,
        expected: this.#options.name,
      });
  }

  #problemOf({ notBeforeMs, notAfterMs }: StoredIdentity): string | null {
    if (!(notBeforeMs < notAfterMs)) return 'notBefore and notAfter are no period';
    if (notAfterMs <= this.#surroundings.wallMs()) return 'the certificate has expired already';
    return null;
  }

  /** Puts it in force. Throws what `tlsContext` throws when key, chain and anchors do not fit together; then nothing has changed. */
  #use(stored: StoredIdentity): void {
    const { keyPem, certificateChainPem, anchorsPem, identity, notBeforeMs, notAfterMs, renewAtMs } = stored;
    const context = this.#transport.tlsContext({ keyPem, certificatePem: certificateChainPem, anchorsPem });
    this.#renewAtMs = renewAtMs;
    this.#stored = stored;
    this.#anchorsPem = anchorsPem;
    this.#current = { identity, context, notBeforeMs, notAfterMs };
    for (const listener of this.#listeners) listener();
  }

  /** Serving matters more than keeping: a full or read-only volume is reported, not fatal. */
  #keep(): void {
    try {
      if (this.#stored !== null) this.#store.save(this.#stored);
    } catch (error) {
      this.#log.error('the certificate is not kept for a restarted container', errorFields(error));
    }
  }

  async #restore(): Promise<void> {
    try {
      const stored = this.#store.load();
      if (stored === null) return;
      this.#key = await importKey(stored.keyPem);
      this.replaceAnchors(stored.anchorsPem);
      if (stored.notAfterMs <= this.#surroundings.wallMs()) return;
      this.#use(stored);
      this.#log.info('certificate restored', { identity: stored.identity });
    } catch (error) {
      this.#log.warn('what an earlier container kept cannot be used', errorFields(error));
    }
  }
}
