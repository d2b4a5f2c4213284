import { isObject } from '../../lib/json.ts';
import type { Shape } from './settings.ts';

/** Fields of a toleration (`core/v1`), in the order of their names. */
const TOLERATION = ['effect', 'key', 'operator', 'tolerationSeconds', 'value'] as const;

/**
 * A value that has parts, as JSON in one form: fields in the order of their names, seconds as a number (files are read as they are written, which makes texts of them).
 * @returns null where it has not the shape
 */
export function shaped(shape: Shape, text: string): string | null {
  const content = parsed(text);
  const found = shape === 'labels' ? labels(content) : items(content, shape === 'tolerations' ? toleration : reference);
  return found === null ? null : JSON.stringify(found);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function labels(content: unknown): object | null {
  if (!isObject(content)) return null;
  const entries = Object.entries(content).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.every(([key, value]) => isName(key) && isLabelValue(value)) ? Object.fromEntries(entries) : null;
}

function items(content: unknown, read: (item: unknown) => object | null): object[] | null {
  if (!Array.isArray(content)) return null;
  const found = content.map(read).filter((item) => item !== null);
  return found.length === content.length ? found : null;
}

function toleration(item: unknown): object | null {
  if (!isObject(item) || Object.keys(item).some((key) => !TOLERATION.some((known) => known === key))) return null;
  const present = TOLERATION.filter((key) => item[key] !== undefined);
  const entries = present.map((key) => [key, key === 'tolerationSeconds' ? seconds(item[key]) : item[key]] as const);
  const isRight = ([key, value]: readonly [string, unknown]) =>
    key === 'tolerationSeconds' ? value !== null : isLabelValue(value) || (key === 'key' && isName(value));
  return entries.every(isRight) ? Object.fromEntries(entries) : null;
}

function seconds(value: unknown): number | null {
  return /^\d{1,9}$/.test(String(value)) ? Number(value) : null;
}

function reference(item: unknown): object | null {
  if (!isObject(item) || Object.keys(item).join() !== 'name') return null;
  return isName(item['name']) ? { name: item['name'] } : null;
}

/** A qualified name of Kubernetes: `example.com/name`. */
function isName(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Za-z0-9][\w./-]{0,314}$/.test(value);
}

function isLabelValue(value: unknown): boolean {
  return typeof value === 'string' && /^(?:[A-Za-z0-9][\w.-]{0,62})?$/.test(value);
}
