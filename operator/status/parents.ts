import { ROUTE_PROGRAMMED } from '../../crds/kinds/row.ts';
import { sameJson, withoutCounters } from './change.ts';
import { type Condition, readConditions, stampConditions, type WantedCondition } from './condition.ts';

/** The name under which Weft writes into `status.parents` of routes: Linkerd's, which tools and dashboards look for. */
export const CONTROLLER_NAME = 'linkerd.io/policy-controller';

/** What is to be said of one parent. */
export interface WantedParent {
  /** As it stands in the spec. */
  parentRef: Readonly<Record<string, unknown>>;
  conditions: readonly WantedCondition[];
}

/** `RouteParentStatus` of the Gateway API. */
interface ParentStatus {
  parentRef: Readonly<Record<string, unknown>>;
  controllerName: string;
  conditions: Condition[];
}

/** Condition types that this operator writes, or wrote (`Programmed`); others in an entry of ours belong to somebody else, and stay. */
const OURS: ReadonlySet<string> = new Set([
  'Accepted',
  'ResolvedRefs',
  'PartiallyInvalid',
  ROUTE_PROGRAMMED,
  'Programmed',
]);

export interface ParentsToWrite {
  parents: unknown[];
  /** What the object says differs from this only in how many proxies run with it, and which do not. */
  onlyCounters: boolean;
}

/**
 * `status.parents` as it is to be written, or `null` where the object says all of it already. Entries of other controllers are kept as they are; of ours, only
 * those of parents that the route still has (Gateway API: RouteStatus). `observedGeneration` does not go back by a cache that lags behind, because what is
 * written is for one version of the object alone; one that is later than the object's generation was written by somebody else, and tools would wait for it for ever.
 */
export function parentsToWrite(
  wanted: readonly WantedParent[],
  present: unknown,
  generation: number,
  nowMs: number,
): ParentsToWrite | null {
  const held = parentsIn(present);
  const ours = held.filter(isOurs);
  const written = wanted.map((parent) => {
    const before = ours.find(({ parentRef }) => sameJson(parentRef, parent.parentRef));
    return entryOf(parent, before?.conditions ?? [], generation, nowMs);
  });
  const parents = [...held.filter((each) => !isOurs(each)).map(({ raw }) => raw), ...written];
  if (sameEntries(written, ours, (each) => each)) return null;
  return { parents, onlyCounters: sameEntries(written, ours, withoutCounters) };
}

/** A condition that some entry of ours has now. */
export function conditionOfOurs(status: unknown, type: string): Condition | null {
  const conditions = parentsIn(status)
    .filter(isOurs)
    .flatMap((parent) => parent.conditions);
  return conditions.find((each) => each.type === type) ?? null;
}

interface HeldParent {
  raw: unknown;
  parentRef: unknown;
  controllerName: unknown;
  conditions: Condition[];
}

/** What other controllers have written is whatever it is. */
function parentsIn(status: unknown): HeldParent[] {
  if (!hasParents(status)) return [];
  return status.parents.map((raw): HeldParent => {
    const fields: { parentRef?: unknown; controllerName?: unknown } =
      typeof raw === 'object' && raw !== null ? raw : {};
    return { raw, parentRef: fields.parentRef, controllerName: fields.controllerName, conditions: readConditions(raw) };
  });
}

function hasParents(status: unknown): status is { parents: unknown[] } {
  return typeof status === 'object' && status !== null && 'parents' in status && Array.isArray(status.parents);
}

function isOurs({ controllerName }: HeldParent): boolean {
  return controllerName === CONTROLLER_NAME;
}

function entryOf(
  { parentRef, conditions }: WantedParent,
  before: readonly Condition[],
  generation: number,
  nowMs: number,
): ParentStatus {
  const others = before.filter(({ type }) => !OURS.has(type));
  const stamped = stampConditions(conditions, before, generation, nowMs);
  return { parentRef, controllerName: CONTROLLER_NAME, conditions: [...stamped, ...others] };
}

/** Whatever the order of the conditions. `part`: what of them is compared. */
function sameEntries(
  written: readonly ParentStatus[],
  held: readonly HeldParent[],
  part: (each: Condition) => Condition,
): boolean {
  if (written.length !== held.length) return false;
  return written.every(({ parentRef, conditions }, at) => {
    const there = held[at]!;
    return sameJson(parentRef, there.parentRef) && sameConditions(conditions.map(part), there.conditions.map(part));
  });
}

function sameConditions(a: readonly Condition[], b: readonly Condition[]): boolean {
  return a.length === b.length && a.every((each) => b.some((other) => sameJson(each, other)));
}
