import { child, listOf, textOf } from './metadata.ts';

/**
 * When somebody last changed an object, its status and other subresources apart (`metadata.managedFields`): RFC 3339, empty where that is not known. The API
 * server keeps a time for each writer, and moves it with each change of what that writer has set.
 */
export function readWrittenAt(raw: unknown): string {
  const times = listOf(child(raw, 'metadata'), 'managedFields')
    .filter((entry) => textOf(entry, 'subresource') === '')
    .map((entry) => textOf(entry, 'time'));
  return times.includes('') ? '' : times.reduce((a, b) => (a > b ? a : b), '');
}

export function oneOf<T extends string>(text: string, allowed: readonly T[], fallback: T): T {
  return allowed.find((candidate) => candidate === text) ?? fallback;
}

export const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

export function textList(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}
