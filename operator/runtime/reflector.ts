import type { Random } from '../../lib/clock.ts';
import { REFLECTION, Reflection, watchSeconds } from '../../lib/reflection.ts';
import { abortable, type Clock, sleep, withDeadline } from './clock.ts';
import { failureOf, RequestError, retryAfterOf } from './errors.ts';
import { type ListWatch, objectKey, type RawObject, type WatchObserver } from './list-watch.ts';
import { errorFields, type Log } from './log.ts';
import { HEARING_MS, LATE_MS } from './peer-deadline.ts';
import type { Reach } from './reach.ts';

/** Beside what holds for a proxy too. */
export const REFLECTOR_TIMING = {
  ...REFLECTION,
  /** Longest wait for one page of a list. */
  listTimeoutMs: 60_000,
  /** How often a full list is held against the store. */
  auditMs: 600_000,
  /** An event on its way when the audit's list was made arrives within this time. */
  auditGraceMs: 1_000,
};

export type ReflectorTiming = typeof REFLECTOR_TIMING;

/** Why a watch was opened again. */
export const RESTART_REASONS = ['closed', 'expired', 'idle', 'missed', 'throttled', 'error'] as const;
export type RestartReason = (typeof RESTART_REASONS)[number];

/** An item of a list, as far as it is kept until the list is complete. */
export interface Listed {
  readonly key: string;
}

/** Where the reflector puts what it sees. Calls must not throw. */
export interface ReflectorSink<Raw, L extends Listed> {
  /** What is to be kept of an item while the rest of its list comes: thousands of raw objects at once would take more memory than everything else. */
  listed(item: Raw): L;
  /** A full list at `version`: what it does not contain is gone. */
  replace(items: readonly L[], version: string): void;
  upsert(item: Raw): void;
  /** Carries the resourceVersion of the deletion. */
  remove(item: Raw): void;
  /** Nothing up to `version` is still to come. */
  advanced(version: string): void;
  /** The API server serves no such kind. Repeated while that is so; a `replace` ends it. */
  absent(): void;
  /** A full list taken beside a running watch; keys in `changed` had events meanwhile. Returns how many events the watch had missed. */
  audit(items: readonly L[], version: string, changed: ReadonlySet<string>): number;
}

export interface ReflectorStats {
  lists: number;
  listErrors: number;
  watches: number;
  events: number;
  missed: number;
  restarts: Record<RestartReason, number>;
  /** Monotonic times; -Infinity before the first. Contact is any answer of the server: page, accepted watch, event, bookmark. */
  lastContactMs: number;
  lastEventMs: number;
}

export interface ReflectorOptions<Raw extends RawObject, L extends Listed> {
  /** For logs: the plural of the kind. */
  name: string;
  source: ListWatch<Raw>;
  /** Not to be served is no failure. */
  optional?: boolean | undefined;
  sink: ReflectorSink<Raw, L>;
  clock: Clock;
  random: Random;
  log: Log;
  timing?: Partial<ReflectorTiming>;
  /** Ends the pauses after failures that the API server has not answered. */
  reach?: Reach | undefined;
}

class WatchIdle extends Error {}
class WatchMissedEvents extends Error {}

/**
 * Keeps a sink in step with one kind at the API server: list, then watch from the list's version, over and over, until its signal aborts.
 * Follows client-go `tools/cache/reflector.go`; adds a watchdog for silent watches and an audit that counts lost events.
 */
export class Reflector<Raw extends RawObject, L extends Listed> {
  readonly stats: ReflectorStats = {
    lists: 0,
    listErrors: 0,
    watches: 0,
    events: 0,
    missed: 0,
    restarts: { closed: 0, expired: 0, idle: 0, missed: 0, throttled: 0, error: 0 },
    lastContactMs: Number.NEGATIVE_INFINITY,
    lastEventMs: Number.NEGATIVE_INFINITY,
  };
  readonly #options: ReflectorOptions<Raw, L>;
  readonly #timing: ReflectorTiming;
  readonly #reflection: Reflection;
  #auditDueMs = Number.POSITIVE_INFINITY;
  /** Keys with events since the running audit's list was asked for. */
  #changed: Set<string> | null = null;

  constructor(options: ReflectorOptions<Raw, L>) {
    this.#options = options;
    this.#timing = { ...REFLECTOR_TIMING, ...options.timing };
    this.#reflection = new Reflection(this.#timing, options.random);
  }

  /** Resolves once `signal` has aborted and no request is left; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (this.#reflection.version === '') await this.#relist(signal);
        await this.#watch(signal);
      } catch (error) {
        if (!signal.aborted) await this.#recover(error, signal);
      }
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#list(this.#reflection.listFrom, signal);
    if (signal.aborted) return;
    this.#options.sink.replace(items, resourceVersion);
    this.#reflection.listed(resourceVersion, this.#options.clock.nowMs());
    this.#scheduleAudit();
  }

  async #list(resourceVersion: string, signal: AbortSignal): Promise<{ items: L[]; resourceVersion: string }> {
    const { source, sink } = this.#options;
    const items: L[] = [];
    let continueToken = '';
    let version = '';
    this.stats.lists += 1;
    try {
      do {
        const page = await withDeadline(this.#options.clock, this.#timing.listTimeoutMs, signal, (inner) =>
          source.list({ resourceVersion, continueToken, limit: this.#timing.pageSize, signal: inner }, (item) => {
            items.push(sink.listed(item));
          }),
        );
        this.#contact();
        version = page.resourceVersion;
        continueToken = page.continueToken;
      } while (continueToken !== '');
    } catch (error) {
      if (!this.#isAbsence(error)) this.stats.listErrors += 1;
      throw error;
    }
    if (version === '') throw new RequestError('Transient', 'a list came without a resourceVersion');
    return { items, resourceVersion: version };
  }

  /** One watch, from opening to its end. Returns when it is to be opened again at once, throws where something failed. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, source } = this.#options;
    const attempt = new AbortController();
    const cancel = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', cancel);
    const watchdog = this.#startWatchdog(attempt);
    const audit = this.#startAudit(attempt);
    const openedMs = clock.nowMs();
    this.stats.watches += 1;
    try {
      const watching = source.watch(
        {
          resourceVersion: this.#reflection.version,
          timeoutSeconds: watchSeconds(this.#timing, this.#options.random),
          signal: attempt.signal,
        },
        this.#observer(attempt.signal),
      );
      await abortable(watching, attempt.signal);
    } finally {
      signal.removeEventListener('abort', cancel);
      watchdog.cancel();
      audit.cancel();
      attempt.abort();
    }
    if (clock.nowMs() - openedMs < this.#timing.shortWatchMs)
      throw new RequestError('Transient', 'watch closed at once');
    this.stats.restarts.closed += 1;
  }

  #observer(signal: AbortSignal): WatchObserver<Raw> {
    return {
      opened: () => {
        if (!signal.aborted) this.#contact();
      },
      event: (type, object) => {
        // An older attempt may still deliver what it had buffered: its successor gets the same events again.
        if (signal.aborted) return;
        this.#contact();
        const version = object.metadata?.resourceVersion ?? this.#reflection.version;
        this.#reflection.advanced(version);
        if (type === 'BOOKMARK') this.#options.sink.advanced(version);
        else this.#deliver(type, object);
      },
    };
  }

  #deliver(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Raw): void {
    this.stats.events += 1;
    this.stats.lastEventMs = this.stats.lastContactMs;
    this.#changed?.add(objectKey(object));
    if (type === 'DELETED') this.#options.sink.remove(object);
    else this.#options.sink.upsert(object);
  }

  #contact(): void {
    this.stats.lastContactMs = this.#options.clock.nowMs();
  }

  /** Ends the attempt when nothing came for `idleTimeoutMs`, be it that the connection is half-open or that the server hangs. */
  #startWatchdog(attempt: AbortController): { cancel(): void } {
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    let dueMs = 0;
    let heard = false;
    const look = (delayMs: number) => {
      dueMs = clock.nowMs() + delayMs;
      return clock.schedule(delayMs, check);
    };
    const check = () => {
      const silentMs = clock.nowMs() - Math.max(startedMs, this.stats.lastContactMs);
      const late = clock.nowMs() - dueMs > LATE_MS;
      if (silentMs < this.#timing.idleTimeoutMs) timer = look(this.#timing.idleTimeoutMs - silentMs);
      // What came while this process was not there is heard first.
      else if (late && !heard) timer = look(HEARING_MS);
      else attempt.abort(new WatchIdle('watch silent'));
      heard = late;
    };
    let timer = look(this.#timing.idleTimeoutMs);
    return { cancel: () => timer.cancel() };
  }

  #scheduleAudit(): void {
    const { clock, random } = this.#options;
    this.#auditDueMs = clock.nowMs() + this.#timing.auditMs * (0.9 + 0.2 * random());
  }

  /** One audit at a time: each needs all events of its own while. */
  #startAudit(attempt: AbortController): { cancel(): void } {
    const { clock, log, name } = this.#options;
    const waitMs = () => Math.max(0, this.#auditDueMs - clock.nowMs());
    const begin = async () => {
      this.#scheduleAudit();
      try {
        await this.#audit(attempt);
      } catch (error) {
        if (!attempt.signal.aborted) log.warn('could not audit the cache', { kind: name, ...errorFields(error) });
      }
      if (!attempt.signal.aborted) timer = clock.schedule(waitMs(), begin);
    };
    let timer = clock.schedule(waitMs(), begin);
    return { cancel: () => timer.cancel() };
  }

  /** Lists beside the running watch. Whatever the store lacks although no event is under way was lost, and the watch with it. */
  async #audit(attempt: AbortController): Promise<void> {
    const { clock, log, name, sink } = this.#options;
    const changed = new Set<string>();
    this.#changed = changed;
    try {
      const { items, resourceVersion } = await this.#list('', attempt.signal);
      await sleep(clock, this.#timing.auditGraceMs, attempt.signal);
      if (attempt.signal.aborted) return;
      const missed = sink.audit(items, resourceVersion, changed);
      if (missed === 0) return;
      this.stats.missed += missed;
      log.warn('the watch had lost events', { kind: name, missed });
      this.#reflection.advanced(resourceVersion);
      attempt.abort(new WatchMissedEvents('watch lost events'));
    } finally {
      if (this.#changed === changed) this.#changed = null;
    }
  }

  #isAbsence(error: unknown): boolean {
    return this.#options.optional === true && failureOf(error) === 'NotFound';
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    const { clock, log, name, sink } = this.#options;
    const reason = restartReason(error);
    // The silence was pause enough; a quiet kind must not go unwatched.
    const isPauseEnough = reason === 'missed' || reason === 'idle';
    const failure = this.#isAbsence(error) ? 'absent' : reason === 'expired' ? 'expired' : 'other';
    const delayMs = isPauseEnough ? 0 : this.#reflection.failed(failure, clock.nowMs(), retryAfterOf(error));
    if (failure === 'absent') {
      this.#contact();
      sink.absent();
    } else {
      this.stats.restarts[reason] += 1;
      if (delayMs === 0) return;
      log.warn('list or watch failed', { kind: name, reason, delayMs: Math.round(delayMs), ...errorFields(error) });
    }
    if (failure === 'other' && retryAfterOf(error) === 0) await this.#pauseWhileAway(delayMs, signal);
    else await sleep(clock, delayMs, signal);
  }

  /** When it is back, the kinds do not come all at once: each within the time of a first pause. */
  async #pauseWhileAway(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, random, reach } = this.#options;
    const endMs = clock.nowMs() + delayMs;
    const back = new AbortController();
    const forget = reach?.onReturn(() => back.abort());
    await sleep(clock, delayMs, AbortSignal.any([signal, back.signal]));
    forget?.();
    if (back.signal.aborted)
      await sleep(clock, Math.min(endMs - clock.nowMs(), this.#timing.backoff.initialMs * random()), signal);
  }
}

function restartReason(error: unknown): RestartReason {
  if (error instanceof WatchIdle) return 'idle';
  if (error instanceof WatchMissedEvents) return 'missed';
  const failure = failureOf(error);
  if (failure === 'Expired') return 'expired';
  return failure === 'Throttled' ? 'throttled' : 'error';
}
