import type { TLSSocket } from 'node:tls';
import { type ObjectRefText, parseRef } from '../../crds/state/object-ref.ts';
import { encodeFrame } from '../../proxy-image/contract/framing.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { ProxyFacts } from '../serve/proxy-facts.ts';
import type { Programmed } from '../status/programmed.ts';
import {
  BEAT_MS,
  MAX_TEXT,
  type ObjectReport,
  PART_TARGET_BYTES,
  REPORT_EVERY_MS,
  type ReplicaMessage,
  type ReplicaReport,
} from './messages.ts';

export interface ReportStreamOptions {
  /** By kind, the resourceVersion up to which it has been seen. */
  positions(): Iterable<readonly [kind: string, revision: string]>;
  clock: Clock;
  /** A report, or a part of one, was written. */
  sent(sizeBytes: number): void;
}

/** Counting one object costs some microseconds for each of its proxies: others get their turn in between. */
const OBJECTS_PER_PART = 500;
const TEXT_OVERHEAD_BYTES = 8;

/**
 * What one leader is told. Between two reports nothing is kept but which objects and proxies are to be looked at, and what was said of each: a leader that is slow to read
 * costs no more than one that is not. The last part of a report is written when nothing is left to be looked at, so that the whole is true of that moment.
 */
export class ReportStream {
  readonly #socket: TLSSocket;
  readonly #facts: ProxyFacts;
  readonly #options: ReportStreamOptions;
  readonly #objects: Set<ObjectRefText>;
  readonly #proxies: Set<string>;
  /** As it was told, to tell nothing twice. */
  readonly #told = { objects: new Map<ObjectRefText, string>(), positions: new Map<string, string>() };
  readonly #unwatch: () => void;
  #timer: Timer | null = null;
  #beat: Timer;
  #writable = true;
  #ended = false;

  constructor(socket: TLSSocket, facts: ProxyFacts, replica: string, options: ReportStreamOptions) {
    this.#socket = socket;
    this.#facts = facts;
    this.#options = options;
    this.#objects = new Set(facts.objects());
    this.#proxies = new Set(facts.proxies());
    socket.on('drain', () => {
      this.#writable = true;
      this.#later(0);
    });
    this.#unwatch = facts.watch({
      objects: (objects) => {
        for (const object of objects) this.#objects.add(object);
        this.#later(REPORT_EVERY_MS);
      },
      proxy: (name) => {
        this.#proxies.add(name);
        this.#later(REPORT_EVERY_MS);
      },
    });
    this.#beat = this.#beatLater();
    this.#write({ type: 'hello', replica });
    this.#report(true);
  }

  /** What this replica has seen may be more: soon enough for who waits for it. */
  moved(): void {
    this.#later(REPORT_EVERY_MS);
  }

  /** `stopping`: there is nothing left to report. */
  end(stopping: boolean): void {
    if (this.#ended) return;
    if (stopping) this.#write({ type: 'stopping' });
    this.#ended = true;
    this.#unwatch();
    this.#timer?.cancel();
    this.#beat.cancel();
  }

  #later(delayMs: number): void {
    if (this.#ended || this.#timer !== null) return;
    this.#timer = this.#options.clock.schedule(delayMs, () => {
      this.#timer = null;
      this.#report(false);
    });
  }

  #beatLater(): Timer {
    return this.#options.clock.schedule(BEAT_MS, () => {
      this.#beat = this.#beatLater();
      this.#report(true);
    });
  }

  /** `beat`: also where there is nothing new. */
  #report(beat: boolean): void {
    if (this.#ended || !this.#writable) return;
    const { stale } = this.#facts;
    if (stale) this.#later(REPORT_EVERY_MS);
    if (stale && !beat) return;
    const objects = stale ? [] : this.#nextObjects();
    const proxies = stale || this.#objects.size > 0 ? [] : this.#nextProxies();
    const more = this.#objects.size > 0 || this.#proxies.size > 0;
    const positions = stale || more ? {} : this.#nextPositions();
    const isNews = more || objects.length > 0 || proxies.length > 0 || Object.keys(positions).length > 0;
    if (!isNews && !beat) return;
    const atMs = this.#options.clock.nowMs();
    const { current } = this.#facts.connections();
    this.#write({ type: 'report', atMs, more, objects, proxies, positions, current });
    if (more) this.#later(0);
  }

  #nextObjects(): ObjectReport[] {
    const reports: ObjectReport[] = [];
    let sizeBytes = 0;
    let looked = 0;
    for (const object of this.#objects) {
      if (sizeBytes >= PART_TARGET_BYTES || looked >= OBJECTS_PER_PART) break;
      this.#objects.delete(object);
      looked += 1;
      const report = { object, ...shortened(this.#facts.programmed(parseRef(object))) };
      const text = report.proxies === 0 ? '' : JSON.stringify(report);
      if (text === (this.#told.objects.get(object) ?? '')) continue;
      if (text === '') this.#told.objects.delete(object);
      else this.#told.objects.set(object, text);
      sizeBytes += text.length + object.length;
      reports.push(report);
    }
    return reports;
  }

  #nextProxies(): [string, number | null][] {
    const proxies: [string, number | null][] = [];
    let sizeBytes = 0;
    for (const name of this.#proxies) {
      if (sizeBytes >= PART_TARGET_BYTES) break;
      this.#proxies.delete(name);
      proxies.push([name, this.#facts.connectedSinceMs(name)]);
      sizeBytes += name.length + TEXT_OVERHEAD_BYTES;
    }
    return proxies;
  }

  #nextPositions(): Record<string, string> {
    const positions: Record<string, string> = {};
    for (const [kind, revision] of this.#options.positions()) {
      if (this.#told.positions.get(kind) === revision) continue;
      this.#told.positions.set(kind, revision);
      positions[kind] = revision;
    }
    return positions;
  }

  #write(message: ReplicaMessage | ReplicaReport): void {
    if (this.#ended) return;
    const frame = encodeFrame(message);
    this.#writable = this.#socket.write(frame);
    this.#options.sent(frame.length);
  }
}

/** A status shows the first problem of each proxy; a proxy may say as much as a message holds. */
function shortened({ rejections, ...rest }: Programmed): Programmed {
  return {
    ...rest,
    rejections: rejections.map(({ proxy, key, problems }) => ({
      proxy,
      key: key.slice(0, MAX_TEXT),
      problems: problems.slice(0, 1).map((problem) => problem.slice(0, MAX_TEXT)),
    })),
  };
}
