import { isObject, parseJsonBytes } from '../../lib/json.ts';
import type { SecretContent } from './secrets.ts';

export const ROTATION_PARTS = ['anchor', 'issuer', 'leaf'] as const;
export type RotationPart = (typeof ROTATION_PARTS)[number];

/** `spec.identity.rotation` of the Mesh: another value asks for one rotation, an empty one for none. */
export type RotationValues = Readonly<Record<RotationPart, string>>;

export interface RotationAsked {
  /** The value that was asked with last. */
  value: string;
  /** What is older has to go. Milliseconds since the epoch, whole seconds; 0: nothing was ever asked. */
  sinceMs: number;
  isDone: boolean;
  /** The value that was carried out last; empty: none. */
  done: string;
  /** Milliseconds since the epoch; 0: never. */
  doneMs: number;
}

/**
 * What was asked for and since when. A rotation is a point in time: what was made before it is due, and what each step has made says by its own date
 * that it is done. So whoever leads next goes on from there (hack/adr/0041-rotation-is-a-point-in-time.md).
 */
export type RotationRecord = Readonly<Record<RotationPart, RotationAsked>>;

export const NO_ROTATION: RotationValues = { anchor: '', issuer: '', leaf: '' };

const NEVER: RotationAsked = { value: '', sinceMs: 0, isDone: true, done: '', doneMs: 0 };
export const NOTHING_ASKED: RotationRecord = { anchor: NEVER, issuer: NEVER, leaf: NEVER };

const KEY = 'rotation.json';

/**
 * The record after a look at the Mesh; the same object where nothing new is asked. What is under way is brought to its end first: of the values that come
 * meanwhile the last one counts then.
 * @param isNew the authorities were made a moment ago: they are what is asked for
 */
export function asked(record: RotationRecord, wanted: RotationValues, nowMs: number, isNew: boolean): RotationRecord {
  const second = nowMs / 1_000;
  const sinceMs = (isNew ? Math.floor(second) : Math.ceil(second)) * 1_000;
  return changed(record, (part, present) => {
    const value = wanted[part];
    if (!present.isDone || value === '' || value === present.value) return present;
    return { ...present, value, sinceMs, isDone: false };
  });
}

/** Everything that is under way has been carried out. */
export function concluded(record: RotationRecord, nowMs: number): RotationRecord {
  return changed(record, (_, present) =>
    present.isDone ? present : { ...present, isDone: true, done: present.value, doneMs: Math.floor(nowMs) },
  );
}

export function isUnderWay(record: RotationRecord): boolean {
  return ROTATION_PARTS.some((part) => !record[part].isDone);
}

export function doneValues({ anchor, issuer, leaf }: RotationRecord): RotationValues {
  return { anchor: anchor.done, issuer: issuer.done, leaf: leaf.done };
}

/** Where somebody else keeps the authorities, what was asked of them before is nothing that could be waited for. */
export function leafOnly({ anchor, issuer, leaf }: RotationRecord): RotationRecord {
  return { anchor: { ...anchor, isDone: true }, issuer: { ...issuer, isDone: true }, leaf };
}

function changed(
  record: RotationRecord,
  change: (part: RotationPart, asked: RotationAsked) => RotationAsked,
): RotationRecord {
  const [anchor, issuer, leaf] = ROTATION_PARTS.map((part) => change(part, record[part]));
  const next = { anchor: anchor!, issuer: issuer!, leaf: leaf! };
  return ROTATION_PARTS.every((part) => next[part] === record[part]) ? record : next;
}

export function toRotationSecret(record: RotationRecord): SecretContent {
  return { type: 'Opaque', data: { [KEY]: Buffer.from(JSON.stringify(record)) } };
}

/** @throws Error when it is no such record */
export function readRotation({ data }: SecretContent): RotationRecord {
  const bytes = Object.hasOwn(data, KEY) ? data[KEY] : undefined;
  const value = bytes === undefined ? null : parseJsonBytes(bytes);
  if (!isObject(value)) throw new Error(`has no record in ${KEY}`);
  const [anchor, issuer, leaf] = ROTATION_PARTS.map((part) => readAsked(part, value[part]));
  return { anchor: anchor!, issuer: issuer!, leaf: leaf! };
}

function readAsked(part: RotationPart, given: unknown): RotationAsked {
  if (!isObject(given)) throw new Error(`${KEY} says nothing of ${part}`);
  const { value, sinceMs, isDone, done, doneMs } = given;
  const isTime = (ms: unknown): ms is number => typeof ms === 'number' && Number.isSafeInteger(ms) && ms >= 0;
  if (
    typeof value === 'string' &&
    isTime(sinceMs) &&
    typeof isDone === 'boolean' &&
    typeof done === 'string' &&
    isTime(doneMs)
  ) {
    return { value, sinceMs, isDone, done, doneMs };
  }
  throw new Error(`${KEY} cannot be read as a record of ${part}`);
}
