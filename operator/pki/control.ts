import { isDnsSubdomain } from '../../crds/scalars/name.ts';
import {
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PLANE_SERVICE_ACCOUNT,
  serviceAccountIdentity,
} from '../../proxy-image/contract/names.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Authority } from './authority.ts';
import type { ControlCredentials } from './mesh-trust.ts';
import { ServingCertificate, type ServingCredentials } from './serving.ts';

/** Suffixes change once in a mesh's life, if ever. A name costs a key; whoever asks for many gets no more memory than this. */
const MAX_OTHER_NAMES = 8;

/**
 * What the operator proves to proxies with. Its name has the suffix of the Mesh. A pod injected under another suffix still demands the name
 * of then, because its environment never changes; it names it by SNI, and is shown a certificate for it.
 */
export class ControlCertificate {
  readonly present: ServingCertificate;
  readonly #others = new Map<string, ServingCertificate>();
  readonly #create: (names: () => readonly string[]) => ServingCertificate;
  readonly #suffix: () => string;

  constructor(suffix: () => string, lifetimeMs: number, issuer: () => Authority | null, clock: Clock) {
    this.#suffix = suffix;
    this.#create = (names) => new ServingCertificate(names, lifetimeMs, issuer, clock);
    this.present = this.#create(() => [controlName(suffix())]);
  }

  /** Takes what another process has made: the present name, and those of before. */
  adopt(credentials: ControlCredentials): void {
    for (const [name, each] of credentials) {
      if (name === controlName(this.#suffix())) this.present.adopt(each);
      else this.#of(name).adopt(each);
    }
  }

  /** `null`: the present certificate will do, or the name is none of the operator. */
  named(serverName: string): ServingCredentials | null {
    const prefix = controlName('');
    const suffix = serverName.slice(prefix.length);
    if (!serverName.startsWith(prefix) || !isDnsSubdomain(suffix) || suffix === this.#suffix()) return null;
    const certificate = this.#of(serverName);
    certificate.renewIfDue();
    return certificate.current;
  }

  #of(name: string): ServingCertificate {
    const certificate = this.#others.get(name) ?? this.#create(() => [name]);
    // A Map iterates in order of insertion: the first is the one asked for longest ago.
    this.#others.delete(name);
    this.#others.set(name, certificate);
    const [oldest] = this.#others.keys();
    if (this.#others.size > MAX_OTHER_NAMES && oldest !== undefined) this.#others.delete(oldest);
    return certificate;
  }
}

/** By which replicas of the control plane know one another, and proxies know them. */
export function controlName(suffix: string): string {
  return serviceAccountIdentity(CONTROL_PLANE_SERVICE_ACCOUNT, CONTROL_PLANE_NAMESPACE, suffix);
}
