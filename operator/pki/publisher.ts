import { RENEWAL_SHARE } from '../../proxy-image/contract/identity-messages.ts';
import type { Clock } from '../runtime/clock.ts';
import { type Authority, expiryOf, notAfterMsOf } from './authority.ts';
import type { TrustState } from './mesh-trust.ts';
import { leafOf, readControl, toControl, toPublished } from './published.ts';
import { CONTROL_SECRET, isSignedBy, PUBLISHED_SECRET, type SecretContent, type SecretStore } from './secrets.ts';
import { credentialsOf, SERVING_LIFETIME_MS, type ServingCredentials } from './serving.ts';

/** Suffixes change once in a mesh's life, if ever; pods of before go on asking for the names of then. */
const MAX_NAMES = 8;

/** Writes, on the leader, what processes of other roles are told of the trust (`published.ts`). */
export class TrustPublisher {
  readonly #store: SecretStore;
  readonly #clock: Clock;

  constructor(store: SecretStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * @param name that the operator proves to proxies
   * @throws what the store throws
   */
  async publish(state: TrustState, name: string): Promise<void> {
    await this.#put(PUBLISHED_SECRET, toPublished(state));
    const stored = await this.#store.get(CONTROL_SECRET);
    const held = stored === null ? new Map<string, ServingCredentials>() : readControl(stored);
    const names = [...new Set([name, ...held.keys()])].slice(0, MAX_NAMES);
    const nowMs = this.#clock.wallMs();
    const due = names.filter((each) => isDue(held.get(each), state.issuer, nowMs));
    if (due.length === 0 || expiryOf(state.issuer) <= nowMs) return;
    const made = new Map(due.map((each) => [each, credentialsOf(state.issuer, [each], SERVING_LIFETIME_MS, nowMs)]));
    await this.#write(CONTROL_SECRET, toControl(made), stored?.resourceVersion ?? null);
  }

  async #put(name: string, content: SecretContent): Promise<void> {
    const stored = await this.#store.get(name);
    const isSame = Object.entries(content.data).every(([key, bytes]) => {
      const present = stored?.data[key];
      return present !== undefined && Buffer.compare(present, bytes) === 0;
    });
    if (!isSame) await this.#write(name, content, stored?.resourceVersion ?? null);
  }

  /** Where somebody else was first, the next look sees to it. */
  async #write(name: string, content: SecretContent, version: string | null): Promise<void> {
    if (version === null) await this.#store.create(name, content);
    else await this.#store.replace(name, content, version);
  }
}

function isDue(present: ServingCredentials | undefined, issuer: Authority, nowMs: number): boolean {
  const leaf = present === undefined ? null : leafOf(present.certPem);
  if (leaf === null || !isSignedBy(leaf, issuer.certificate)) return true;
  const fromMs = leaf.validFromDate.getTime();
  // Before its beginning: the clock was set back since it was made.
  return nowMs < fromMs || nowMs >= fromMs + (notAfterMsOf(leaf) - fromMs) * RENEWAL_SHARE;
}
