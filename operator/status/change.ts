import { ROUTE_PROGRAMMED } from '../../crds/kinds/row.ts';
import type { ObjectStatus } from './condition.ts';

/** Condition types that this operator writes; others in the list belong to somebody else. */
const OURS = new Set([
  'Ready',
  'Accepted',
  'ResolvedRefs',
  'Programmed',
  'Reconciling',
  'Stalled',
  'SingleInjector',
  'CertificatesValid',
  'DefinitionsComplete',
  'PodsInjected',
  'LiveNumbersReached',
]);

/**
 * Whether writing `wanted` would change the object. A status that is written although nothing changed comes back as an event, and so writes itself for
 * ever.
 */
export function statusDiffers(wanted: ObjectStatus, present: unknown): boolean {
  if (typeof present !== 'object' || present === null) return true;
  const { conditions, ...fields } = wanted;
  const held = present as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) if (!sameJson(value, held[name])) return true;
  return conditionsDiffer(conditions, held['conditions']);
}

function conditionsDiffer(wanted: ObjectStatus['conditions'], present: unknown): boolean {
  const held: { type?: unknown }[] = Array.isArray(present) ? present : [];
  const types = new Set<unknown>(wanted.map(({ type }) => type));
  if (held.some(({ type }) => OURS.has(String(type)) && !types.has(type))) return true;
  return wanted.some(
    (each) =>
      !sameJson(
        each,
        held.find(({ type }) => type === each.type),
      ),
  );
}

/**
 * Whether `wanted` says the same as `present` but for how many proxies run with the object and which do not: `proxies`, and what `Programmed` and `PodsInjected` say
 * without becoming another status. Nobody waits for these, and they change all the time.
 */
export function onlyCountersDiffer(wanted: ObjectStatus & { proxies?: unknown }, present: unknown): boolean {
  if (typeof present !== 'object' || present === null || !('conditions' in present)) return false;
  const { proxies: _, ...rest } = wanted;
  const held = Array.isArray(present.conditions) ? present.conditions.map(withoutCounters) : [];
  return !statusDiffers(
    { ...rest, conditions: rest.conditions.map(withoutCounters) },
    { ...present, conditions: held },
  );
}

const COUNTING = new Set<unknown>(['Programmed', ROUTE_PROGRAMMED, 'PodsInjected']);

/** A condition with what of it is a counter left out. */
export function withoutCounters<C>(each: C): C {
  const type = typeof each === 'object' && each !== null && 'type' in each ? each.type : '';
  return COUNTING.has(type) ? { ...each, reason: '', message: '' } : each;
}

/** Equality of JSON values, whatever the order of their fields; the API server sorts them its own way. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a).filter((key) => (a as Record<string, unknown>)[key] !== undefined);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}
