import { ControlPlaneError } from '../../proxy-image/contract/control-plane-errors.ts';
import type { CodedError } from '../../proxy-image/contract/errors.ts';
import type { AuthorityName } from '../status/authority.ts';
import type { Authority } from './authority.ts';
import { clockProblem, isOwnMake } from './renewal.ts';
import { readAuthority, type SecretStore, type StoredSecret, toSecret } from './secrets.ts';

/** Something that became of an authority that was due, on the replica that did it. */
export interface RenewalReport {
  name: AuthorityName;
  secret: string;
  outcome: 'renewed' | 'retired' | 'failed';
  /** One sentence, for people. */
  detail: string;
}

/** An authority with what is known about the Secret that it came from. */
export interface Kept {
  authority: Authority;
  resourceVersion: string;
  /** This operator made it, so it may replace it. */
  isOurs: boolean;
  serverMs: number;
}

/** One look at the Secrets. */
export interface Look {
  /** Only the leader writes. */
  mayWrite: boolean;
  nowMs: number;
  /** Collects what is wrong. */
  problems: CodedError[];
}

/** Authorities in their Secrets: read, made where absent, replaced where they are our own. */
export class Custody {
  readonly #store: SecretStore;
  readonly #reporters = new Set<(report: RenewalReport) => void>();

  constructor(store: SecretStore) {
    this.#store = store;
  }

  /** Called for every replacement that was made or tried. Returns how to unsubscribe. */
  onRenewal(listener: (report: RenewalReport) => void): () => void {
    this.#reporters.add(listener);
    return () => this.#reporters.delete(listener);
  }

  /**
   * Writes what `make` makes over the very version that was read. Without success the present one stays, and the next `refresh` tries again.
   * @param retired says what is no longer trusted, where nothing but that is written
   */
  async replace(
    { mayWrite, nowMs, problems }: Look,
    name: AuthorityName,
    secret: string,
    present: Kept,
    make: () => Authority,
    retired = '',
  ): Promise<Kept> {
    // Made a moment ago: the next look knows the version of what is stored.
    if (!mayWrite || present.resourceVersion === '') return present;
    let authority: Authority;
    try {
      const problem = clockProblem(nowMs, present.serverMs);
      if (problem !== null) throw new Error(problem);
      authority = make();
      // Somebody else was first: what is there now is read next time.
      if (!(await this.#store.replace(secret, toSecret(authority), present.resourceVersion))) return present;
    } catch (error) {
      const failure = new ControlPlaneError(
        'WEFT_PKI_RENEWAL',
        `${secret}: ${error instanceof Error ? error.message : error}`,
      );
      problems.push(failure);
      this.#report({ name, secret, outcome: 'failed', detail: failure.message });
      return present;
    }
    if (retired !== '') this.#report({ name, secret, outcome: 'retired', detail: retired });
    else
      this.#report({ name, secret, outcome: 'renewed', detail: renewedDetail(secret, authority, present.authority) });
    return { ...present, authority };
  }

  /**
   * The authority in Secret `name`. Absent: `held` is put back (it is what certificates out there chain to), else a new one is
   * made (never where `make` is null). Bad: `held` stays. One of our own that has ended is returned: it is due.
   */
  async obtain(
    { mayWrite, nowMs, problems }: Look,
    name: string,
    held: Kept | null,
    make: (() => Authority) | null,
  ): Promise<Kept | null> {
    let content = await this.#store.get(name);
    if (content === null && mayWrite && make !== null) {
      const authority = held?.authority ?? make();
      if (await this.#store.create(name, toSecret(authority)))
        return { authority, resourceVersion: '', isOurs: isOwnMake(authority.certificate), serverMs: 0 };
      content = await this.#store.get(name);
    }
    if (content === null) {
      problems.push(new ControlPlaneError('WEFT_PKI_ABSENT', name));
      return held;
    }
    const read = keptOf(content, nowMs);
    if (typeof read !== 'string') return read;
    problems.push(new ControlPlaneError('WEFT_PKI_SECRET', `${name} ${read}`));
    return held;
  }

  #report(report: RenewalReport): void {
    for (const reporter of this.#reporters) reporter(report);
  }
}

/** What is wrong with it, where it cannot be used. */
function keptOf(content: StoredSecret, nowMs: number): Kept | string {
  const read = readAuthority(content, nowMs);
  const authority = read.ok ? read.authority : read.ended;
  const isOurs = content.isLabelled && authority !== null && isOwnMake(authority.certificate);
  const { resourceVersion, serverMs } = content;
  if (authority !== null && (read.ok || isOurs)) return { authority, resourceVersion, isOurs, serverMs };
  return read.ok ? '' : read.problem;
}

function renewedDetail(secret: string, authority: Authority, before: Authority): string {
  const end = (one: Authority) => one.certificate.validToDate.toISOString().replace('.000Z', 'Z');
  const old = `the one before ends at ${end(before)}`;
  const isTrusted = authority.anchors.some(
    ({ fingerprint256 }) => fingerprint256 === before.certificate.fingerprint256,
  );
  const trusted = isTrusted ? ' and is trusted beside it' : '';
  return `${secret} was renewed and ends at ${end(authority)}; ${old}${trusted}`;
}
