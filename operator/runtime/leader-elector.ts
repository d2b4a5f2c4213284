import type { Random } from '../../lib/clock.ts';
import { type Clock, sleep, withDeadline } from './clock.ts';
import { failureOf, RequestError, RuntimeError } from './errors.ts';
import { errorFields, type Log } from './log.ts';
import type { Tenure } from './tenure.ts';

/** The part of a Lease that the election uses; times are milliseconds since the epoch and only for people to read. */
export interface LeaseRecord {
  /** Empty: nobody. */
  holder: string;
  durationSeconds: number;
  acquiredMs: number;
  renewedMs: number;
  transitions: number;
}

export interface VersionedLease {
  record: LeaseRecord;
  /** resourceVersion: a write with an older one fails as `Conflict`. */
  version: string;
}

/** Access to one Lease; failures are `RequestError`s. */
export interface LeaseClient {
  /** null: there is no Lease yet. */
  get(signal: AbortSignal): Promise<VersionedLease | null>;
  create(record: LeaseRecord, signal: AbortSignal): Promise<VersionedLease>;
  update(lease: VersionedLease, signal: AbortSignal): Promise<VersionedLease>;
}

/** Defaults of client-go and controller-runtime. */
export const ELECTION_TIMING = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000, jitter: 1.2 };
export type ElectionTiming = typeof ELECTION_TIMING;

export interface LeaderElectorOptions {
  /** Must be unique among the processes that can run at the same time. */
  identity: string;
  lease: LeaseClient;
  clock: Clock;
  random: Random;
  log: Log;
  timing?: Partial<ElectionTiming>;
  /** This process leads from now. */
  onStarted(): void;
  /** This process must not act any more, from this moment; not called after `release`. */
  onLost(reason: RuntimeError): void;
}

/**
 * Leader election over a Lease (client-go `tools/leaderelection/leaderelection.go`). Whether a holder is gone is judged by when its record was last
 * *seen to change* on the own monotonic clock: clocks of other machines do not matter. The lease alone is no fence: a process that was stalled learns late that it
 * has lost it. What the leader writes is bound to its `tenure` therefore, and to the version of what it looked at.
 */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #timing: ElectionTiming;
  readonly #stop = new AbortController();
  readonly #end = new AbortController();
  #observed: { lease: VersionedLease; atMs: number } | null = null;
  #leading = false;
  /** The lease was asked for, and no answer has said yet whether it was given. */
  #mayHold = false;
  /** Just before the last good write was sent, by both clocks. */
  #renewed: Moment = { nowMs: Number.NEGATIVE_INFINITY, wallMs: Number.NEGATIVE_INFINITY };
  #slowPaths = 0;
  #running: Promise<void> | null = null;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#timing = { ...ELECTION_TIMING, ...options.timing };
    checkTiming(this.#timing);
  }

  get isLeader(): boolean {
    return this.#leading;
  }

  /** Ends with the lead, at once. */
  get tenure(): Tenure {
    return { signal: this.#end.signal, leftMs: () => this.#leftMs() };
  }

  /** Who holds the Lease as far as this process has seen; empty when nobody does. */
  get holder(): string {
    return this.#observed?.lease.record.holder ?? '';
  }

  /** Renewals that did not succeed with the version at hand. */
  get slowPaths(): number {
    return this.#slowPaths;
  }

  start(): void {
    this.#running ??= this.#run(this.#stop.signal);
  }

  /** This process is about to end: unless it leads, it does not take the lease any more, which it would hold without acting until it is gone. */
  withdraw(): void {
    if (!this.#leading) this.#stop.abort(new Error('election stopped'));
  }

  /** Ends the election without a call of `onLost`; a leader gives the Lease back, so that a follower takes over within a retry period. */
  async release(): Promise<void> {
    this.#stop.abort(new Error('election stopped'));
    await this.#running;
    if (!this.#leading && !this.#mayHold) return;
    this.#leading = false;
    this.#end.abort(new Error('the lead is given up'));
    const { clock, log } = this.#options;
    try {
      await withDeadline(clock, this.#attemptMs, new AbortController().signal, (signal) => this.#giveBack(signal));
    } catch (error) {
      log.warn('could not release the lease', errorFields(error));
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    await this.#acquire(signal);
    if (signal.aborted) return;
    this.#leading = true;
    this.#options.log.info('became the leader', { identity: this.#options.identity });
    this.#options.onStarted();
    await this.#keep(signal);
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#options;
    const { retryMs, jitter } = this.#timing;
    while (!signal.aborted) {
      const sent = this.#moment();
      try {
        if (await withDeadline(clock, this.#attemptMs, signal, (inner) => this.#tryAcquire(inner))) {
          this.#renewed = sent;
          return;
        }
      } catch (error) {
        if (!signal.aborted) log.warn('could not try for the lease', errorFields(error));
      }
      await sleep(clock, retryMs * (1 + jitter * random()), signal);
    }
  }

  /** Renews until the deadline has passed without success. The deadline counts from before the last good write was sent. */
  async #keep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      const untilDeadlineMs = () => this.#renewed.nowMs + this.#timing.renewDeadlineMs - clock.nowMs();
      await sleep(clock, Math.min(this.#timing.retryMs, untilDeadlineMs()), signal);
      const leftMs = untilDeadlineMs();
      if (signal.aborted) return;
      if (leftMs <= 0) return this.#lose('could not renew the lease in time');
      const sent = this.#moment();
      const limitMs = Math.min(leftMs, this.#attemptMs);
      try {
        if (!(await withDeadline(clock, limitMs, signal, (inner) => this.#tryRenew(inner)))) {
          return this.#lose('another process took the lease');
        }
        this.#renewed = sent;
      } catch (error) {
        if (!signal.aborted) log.warn('could not renew the lease', errorFields(error));
      }
    }
  }

  #moment(): Moment {
    const { clock } = this.#options;
    return { nowMs: clock.nowMs(), wallMs: clock.wallMs() };
  }

  /**
   * The monotonic clock stands still while a machine is suspended, and the wall clock may be set: the one that says more time has passed is believed. Where that
   * is the wall clock by mistake, the next renewal puts it right.
   */
  #leftMs(): number {
    if (!this.#leading) return 0;
    const now = this.#moment();
    const passedMs = Math.max(now.nowMs - this.#renewed.nowMs, now.wallMs - this.#renewed.wallMs);
    return Math.max(0, this.#timing.renewDeadlineMs - passedMs);
  }

  /** One attempt on a connection that has gone silent must leave time for another (controller-runtime: half the renew deadline). */
  get #attemptMs(): number {
    return this.#timing.renewDeadlineMs / 2;
  }

  #lose(reason: string): void {
    this.#leading = false;
    const error = new RuntimeError('WEFT_LEADER_LOST', reason);
    this.#end.abort(error);
    this.#options.log.error('lost the lead', { reason, holder: this.holder });
    this.#options.onLost(error);
  }

  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    const { lease, identity } = this.#options;
    const found = await lease.get(signal);
    if (found !== null) this.#observe(found);
    if (found !== null && !this.#isFree(identity)) return false;
    this.#mayHold = true;
    if (found === null) this.#observe(await lease.create(this.#record(null), signal));
    const isHeld = found === null || (await this.#write(found, signal));
    this.#mayHold = false;
    return isHeld;
  }

  /** First with the version at hand; after a failure by reading again. False: somebody else holds it. */
  async #tryRenew(signal: AbortSignal): Promise<boolean> {
    const { lease, identity } = this.#options;
    if (await this.#write(this.#observed!.lease, signal)) return true;
    this.#slowPaths += 1;
    const found = await lease.get(signal);
    if (found === null) {
      this.#observe(await lease.create(this.#record(null), signal));
      return true;
    }
    this.#observe(found);
    if (found.record.holder !== identity) return false;
    return this.#write(found, signal);
  }

  /** False when somebody else moved first, or the Lease is gone. */
  #write({ record, version }: VersionedLease, signal: AbortSignal): Promise<boolean> {
    return this.#update({ record: this.#record(record), version }, signal);
  }

  async #update(lease: VersionedLease, signal: AbortSignal): Promise<boolean> {
    try {
      this.#observe(await this.#options.lease.update(lease, signal));
      return true;
    } catch (error) {
      const failure = failureOf(error);
      if (failure === 'Conflict' || failure === 'NotFound') return false;
      throw error;
    }
  }

  #isFree(identity: string): boolean {
    const { lease, atMs } = this.#observed!;
    const { holder, durationSeconds } = lease.record;
    if (holder === '' || holder === identity) return true;
    return this.#options.clock.nowMs() >= atMs + durationSeconds * 1000;
  }

  #observe(lease: VersionedLease): void {
    const before = this.#observed;
    const moved = before === null || before.lease.version !== lease.version;
    this.#observed = { lease, atMs: moved ? this.#options.clock.nowMs() : before.atMs };
  }

  #record(before: LeaseRecord | null): LeaseRecord {
    const { identity, clock } = this.#options;
    const wallMs = clock.wallMs();
    const held = before !== null && before.holder === identity;
    return {
      holder: identity,
      durationSeconds: Math.ceil(this.#timing.leaseMs / 1000),
      acquiredMs: held ? before.acquiredMs : wallMs,
      renewedMs: wallMs,
      transitions: before === null ? 0 : before.transitions + (held ? 0 : 1),
    };
  }

  /** What the end has cut off may have been carried out all the same: then the version at hand is an old one, or that of another holder. */
  async #giveBack(signal: AbortSignal): Promise<void> {
    const { lease, identity, log } = this.#options;
    const held = this.#observed?.lease;
    if (held?.record.holder !== identity || !(await this.#vacate(held, signal))) {
      const found = await lease.get(signal);
      if (found?.record.holder !== identity) return;
      if (!(await this.#vacate(found, signal))) throw new RequestError('Conflict', 'the lease goes on changing');
    }
    log.info('released the lease', {});
  }

  /** Empty holder and one second: a follower need not wait for an expiry. False as with `#write`. */
  #vacate({ record, version }: VersionedLease, signal: AbortSignal): Promise<boolean> {
    const free = { ...record, holder: '', durationSeconds: 1, renewedMs: this.#options.clock.wallMs() };
    return this.#update({ record: free, version }, signal);
  }
}

interface Moment {
  nowMs: number;
  wallMs: number;
}

function checkTiming({ leaseMs, renewDeadlineMs, retryMs, jitter }: ElectionTiming): void {
  if (leaseMs > renewDeadlineMs && renewDeadlineMs > retryMs * jitter && retryMs > 0) return;
  throw new RuntimeError(
    'WEFT_LEADER_OPTIONS',
    'lease must be longer than renew deadline, and that than retry × jitter',
  );
}
