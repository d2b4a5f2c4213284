import { isObject } from '../../lib/json.ts';
import { MAX_NAMED, type Programmed } from '../status/programmed.ts';
import { type LeaderMessage, MAX_PROXIES, MAX_TEXT, type ObjectReport, type ReplicaMessage } from './messages.ts';

/** `message` is `null` for a type of which nothing is known here: it is passed over. */
export type Checked<M> = { problem: null; message: M | null } | { problem: string; message: null };

/** What is no report, or says of an object what cannot be, is a problem; names beyond those that a status has room for are left out. */
export function checkReplicaMessage(value: unknown): Checked<ReplicaMessage> {
  if (!isObject(value)) return wrong('no object');
  if (value['type'] === 'hello') {
    return isText(value['replica']) ? right({ type: 'hello', replica: value['replica'] }) : wrong('hello');
  }
  if (value['type'] === 'stopping') return right({ type: 'stopping' });
  return value['type'] === 'report' ? report(value) : { problem: null, message: null };
}

export function checkLeaderMessage(value: unknown): Checked<LeaderMessage> {
  if (!isObject(value)) return wrong('no object');
  if (value['type'] === 'follow') {
    return isText(value['leader']) ? right({ type: 'follow', leader: value['leader'] }) : wrong('follow');
  }
  if (value['type'] === 'heard') return right({ type: 'heard' });
  if (value['type'] === 'keep') {
    const { proxies } = value;
    return isCount(proxies) ? right({ type: 'keep', proxies }) : wrong('keep');
  }
  if (value['type'] !== 'elsewhere') return { problem: null, message: null };
  const proxies = listOf(value['proxies'], proxyWithTime);
  return proxies === null ? wrong('elsewhere') : right({ type: 'elsewhere', proxies });
}

function report(value: Readonly<Record<string, unknown>>): Checked<ReplicaMessage> {
  const { atMs, more, current } = value;
  const objects = listOf(value['objects'], objectReport);
  const proxies = listOf(value['proxies'], proxyWithTimeOrNone);
  const positions = positionsOf(value['positions']);
  if (!isTime(atMs) || typeof more !== 'boolean' || !isCount(current)) return wrong('report');
  if (objects === null) return wrong('objects of a report');
  if (proxies === null) return wrong('proxies of a report');
  if (positions === null) return wrong('positions of a report');
  return right({ type: 'report', atMs, more, objects, proxies, positions, current });
}

function objectReport(value: unknown): ObjectReport | null {
  if (!isObject(value)) return null;
  const { object, proxies, current, sinceMs } = value;
  const behind = namesOf(value['behind']);
  const rejections = rejectionsOf(value['rejections']);
  if (!isText(object) || !isCount(proxies) || !isCount(current) || !isTime(sinceMs)) return null;
  if (behind === null || rejections === null) return null;
  // Who says that more proxies are current, or named, than there are, has counted something else.
  if (current + behind.length > proxies || (behind.length === 0) !== (current === proxies)) return null;
  if (rejections.length > 0 && current === proxies) return null;
  return { object, proxies, current, behind, sinceMs, rejections };
}

function rejectionsOf(value: unknown): Programmed['rejections'] | null {
  if (!Array.isArray(value)) return null;
  const first = value.slice(0, MAX_NAMED).map((each: unknown) => {
    if (!isObject(each) || !isText(each['proxy']) || !isText(each['key'])) return null;
    const problems = namesOf(each['problems']);
    return problems === null ? null : { proxy: each['proxy'], key: each['key'], problems };
  });
  return allOf(first);
}

function namesOf(value: unknown): string[] | null {
  if (!Array.isArray(value)) return null;
  return allOf(value.slice(0, MAX_NAMED).map((each: unknown) => (isText(each) ? each : null)));
}

function proxyWithTime(value: unknown): readonly [string, number] | null {
  const pair = proxyWithTimeOrNone(value);
  return pair === null || pair[1] === null ? null : [pair[0], pair[1]];
}

function proxyWithTimeOrNone(value: unknown): readonly [string, number | null] | null {
  if (!Array.isArray(value)) return null;
  const [name, sinceMs]: unknown[] = value;
  return isText(name) && (sinceMs === null || isTime(sinceMs)) ? [name, sinceMs] : null;
}

function positionsOf(value: unknown): Record<string, string> | null {
  if (!isObject(value)) return null;
  const positions: Record<string, string> = {};
  for (const [kind, revision] of Object.entries(value)) {
    if (!isText(kind) || !isText(revision)) return null;
    positions[kind] = revision;
  }
  return positions;
}

function listOf<T>(value: unknown, read: (each: unknown) => T | null): T[] | null {
  return Array.isArray(value) ? allOf(value.map(read)) : null;
}

function allOf<T>(values: readonly (T | null)[]): T[] | null {
  const there = values.filter((each) => each !== null);
  return there.length === values.length ? there : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= MAX_PROXIES;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function right<M>(message: M): Checked<M> {
  return { problem: null, message };
}

function wrong(problem: string): { problem: string; message: null } {
  return { problem, message: null };
}
