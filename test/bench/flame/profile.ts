import { median } from '../figures.ts';

/** What is read of a `.cpuprofile` file (the format of the Chrome DevTools, which Bun and Node write). */
export interface CpuProfile {
  nodes: readonly ProfileNode[];
  /** Node that was on top of the stack, per sample. */
  samples: readonly number[];
  /** Microseconds before each sample. */
  timeDeltas: readonly number[];
}

interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string; lineNumber: number };
  children?: readonly number[];
}

/** A function where it was called: calls of one function by the same callers are one frame. */
export interface Frame {
  name: string;
  /** File; empty for what is native. */
  place: string;
  /** In it and in what it called. */
  totalUs: number;
  /** In it alone. */
  selfUs: number;
  /** By time, the most first. */
  children: Frame[];
}

/** Frames that are no work: the profiler's own, and waiting. */
const IDLE = ['(idle)', '(program)'];

/** A sample that comes later than this many usual intervals after the one before it comes after a pause. */
const INTERVALS = 2;

/** @throws SyntaxError or Error when the text is no profile */
export function readProfile(text: string): CpuProfile {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as Partial<CpuProfile>;
  if (nodes === undefined || nodes.length === 0 || samples === undefined || timeDeltas === undefined)
    throw new Error('not a CPU profile: nodes, samples or timeDeltas are missing');
  return { nodes, samples, timeDeltas };
}

/** Where a function is, for those who read; the file's name has no folder, `line` counts from 1. */
export type PlaceOf = (file: string, line: number) => string;

/** The tree of calls with the time spent in each. */
export function framesOf(
  { nodes, samples, timeDeltas }: CpuProfile,
  placeOf: PlaceOf = (file, line) => `${file}:${line}`,
): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const selfUs = new Map<number, number>();
  // Nothing is sampled while the process waits: what is longer than an interval was no work.
  const longestUs = INTERVALS * median(timeDeltas);
  samples.forEach((id, index) => {
    const us = Math.min(longestUs, Math.max(0, timeDeltas[index] ?? 0));
    selfUs.set(id, (selfUs.get(id) ?? 0) + us);
  });
  const inner = new Set(nodes.flatMap(({ children = [] }) => children));
  const roots = nodes.filter(({ id }) => !inner.has(id));
  const all = roots.flatMap(({ id, callFrame, children = [] }) =>
    callFrame.functionName === '(root)' ? children : [id],
  );
  return new Merging(byId, selfUs, placeOf).frame('all', '', all, 0);
}

class Merging {
  readonly #byId: ReadonlyMap<number, ProfileNode>;
  readonly #selfUs: ReadonlyMap<number, number>;
  readonly #placeOf: PlaceOf;

  constructor(byId: ReadonlyMap<number, ProfileNode>, selfUs: ReadonlyMap<number, number>, placeOf: PlaceOf) {
    this.#byId = byId;
    this.#selfUs = selfUs;
    this.#placeOf = placeOf;
  }

  /** @param callees nodes that it called, from wherever it was called with the same callers */
  frame(name: string, place: string, callees: readonly number[], selfUs: number): Frame {
    const children = [...this.#grouped(callees).values()].map((same) => {
      const own = same.reduce((sum, { id }) => sum + (this.#selfUs.get(id) ?? 0), 0);
      const inner = same.flatMap((node) => node.children ?? []);
      return this.frame(same[0]!.callFrame.functionName || '(anonymous)', this.#place(same[0]!), inner, own);
    });
    children.sort((a, b) => b.totalUs - a.totalUs);
    const totalUs = children.reduce((sum, child) => sum + child.totalUs, selfUs);
    return { name, place, selfUs, totalUs, children };
  }

  #grouped(ids: readonly number[]): Map<string, ProfileNode[]> {
    const groups = new Map<string, ProfileNode[]>();
    for (const id of ids) {
      const node = this.#byId.get(id);
      if (node === undefined || IDLE.includes(node.callFrame.functionName)) continue;
      const key = `${node.callFrame.functionName} ${this.#place(node)}`;
      groups.set(key, [...(groups.get(key) ?? []), node]);
    }
    return groups;
  }

  #place({ callFrame: { url, lineNumber } }: ProfileNode): string {
    return url === '' ? '' : this.#placeOf(url.slice(url.lastIndexOf('/') + 1), lineNumber + 1);
  }
}

/** Time in each function by itself, wherever it was called, the most first. */
export function selfTimes(root: Frame): { name: string; place: string; selfUs: number }[] {
  const sums = new Map<string, { name: string; place: string; selfUs: number }>();
  const visit = ({ name, place, selfUs, children }: Frame): void => {
    const key = `${name} ${place}`;
    sums.set(key, { name, place, selfUs: (sums.get(key)?.selfUs ?? 0) + selfUs });
    children.forEach(visit);
  };
  visit(root);
  return [...sums.values()].filter(({ selfUs }) => selfUs > 0).sort((a, b) => b.selfUs - a.selfUs);
}
