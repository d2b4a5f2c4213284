import type { ObjectRef, ObjectRefText } from '../../crds/state/object-ref.ts';
import { formatRef } from '../../crds/state/object-ref.ts';
import { compareRevisions } from '../../crds/state/order.ts';
import type { Programmed } from '../status/programmed.ts';
import { MAX_OBJECTS, MAX_PROXIES, type ObjectReport, type ReplicaReport } from './messages.ts';
import { PeerClock } from './peer-clock.ts';

/** What a whole report has changed. */
export interface PartChange {
  objects: readonly ObjectRefText[];
  /** Names of proxies that have come, or come again. */
  came: readonly string[];
  left: readonly string[];
  /** The replica has seen more of some kind. */
  moved: boolean;
}

const NOBODY: Programmed = { proxies: 0, current: 0, behind: [], sinceMs: 0, rejections: [] };

/** What one replica has reported on one connection. Reports that go in parts count when the last is there, so that it is always the state of one moment. */
export class Part {
  readonly clock = new PeerClock();
  readonly #objects = new Map<ObjectRefText, ObjectReport & { takenAtMs: number }>();
  /** When each has connected, by the clock of the replica. */
  readonly #proxies = new Map<string, number>();
  readonly #positions = new Map<string, string>();
  #current = 0;
  #staged: ReplicaReport[] = [];
  #stagedItems = 0;

  /** How many proxies are connected, and of them those that are current. */
  get connections(): { connected: number; current: number } {
    return { connected: this.#proxies.size, current: Math.min(this.#current, this.#proxies.size) };
  }

  /** Of everything that has proxies. */
  get objects(): Iterable<ObjectRefText> {
    return this.#objects.keys();
  }

  get proxies(): Iterable<string> {
    return this.#proxies.keys();
  }

  /** When the proxy has connected, by our clock; `null`: it is not there. */
  sinceMs(proxy: string): number | null {
    const sinceMs = this.#proxies.get(proxy);
    return sinceMs === undefined ? null : this.clock.toOurs(sinceMs);
  }

  /** Times by our clock. */
  programmed(object: ObjectRef): Programmed {
    const report = this.#objects.get(formatRef(object));
    if (report === undefined) return NOBODY;
    const { object: _, takenAtMs, sinceMs, ...rest } = report;
    if (rest.behind.length === 0) return { ...rest, sinceMs: 0 };
    return { ...rest, sinceMs: sinceMs === 0 ? takenAtMs : this.clock.toOurs(sinceMs) };
  }

  /** Whether what it says of objects of a kind is of `resourceVersion` at least. */
  hasSeen(kind: string, resourceVersion: string): boolean {
    return compareRevisions(this.#positions.get(kind) ?? '', resourceVersion) >= 0;
  }

  /** `null` while there is more to come; a text where it cannot be so. */
  take(report: ReplicaReport, nowMs: number): PartChange | string | null {
    this.clock.note(report.atMs, nowMs);
    const items = report.objects.length + report.proxies.length;
    // Who has nothing to add yet says no more than that it is there.
    if (items > 0 || !report.more) this.#staged.push(report);
    this.#stagedItems += items;
    if (this.#stagedItems > 2 * (MAX_OBJECTS + MAX_PROXIES)) return 'a report that does not end';
    return report.more ? null : this.#commit(nowMs);
  }

  #commit(nowMs: number): PartChange | string {
    const staged = this.#staged;
    this.#staged = [];
    this.#stagedItems = 0;
    const came = new Set<string>();
    const left = new Set<string>();
    for (const [name, sinceMs] of staged.flatMap(({ proxies }) => proxies)) {
      (sinceMs === null ? left : came).add(name);
      (sinceMs === null ? came : left).delete(name);
      if (sinceMs === null) this.#proxies.delete(name);
      else this.#proxies.set(name, sinceMs);
    }
    const changed = new Map(staged.flatMap(({ objects }) => objects).map((each) => [each.object, each]));
    for (const [object, report] of changed) {
      if (report.proxies > this.#proxies.size) return `more proxies with ${object} than there are`;
      if (report.proxies === 0) this.#objects.delete(object);
      else this.#objects.set(object, { ...report, takenAtMs: nowMs });
    }
    if (this.#objects.size > MAX_OBJECTS || this.#proxies.size > MAX_PROXIES) return 'more than a replica may have';
    const moved = this.#see(staged);
    this.#current = staged.at(-1)?.current ?? 0;
    return { objects: [...changed.keys()], came: [...came], left: [...left], moved };
  }

  #see(staged: readonly ReplicaReport[]): boolean {
    const positions = staged.flatMap((report) => Object.entries(report.positions));
    for (const [kind, revision] of positions) this.#positions.set(kind, revision);
    return positions.length > 0;
  }
}
