import type { AddOperation } from '../../webhooks/json-patch.ts';

type Node = Record<string, unknown> | unknown[];

/**
 * Applies `add` operations as RFC 6902 says (section 4.1), to a copy.
 * @throws Error where an API server would refuse the patch: a parent that is not there, an index beyond the end
 */
export function applyPatch(document: unknown, patch: readonly AddOperation[]): unknown {
  const copy = structuredClone(document);
  for (const { path, value } of patch) {
    const tokens = path.split('/').slice(1).map(decodeToken);
    const last = tokens.pop()!;
    add(tokens.reduce<unknown>(step, copy), last, structuredClone(value));
  }
  return copy;
}

function decodeToken(token: string): string {
  if (/~(?![01])/.test(token)) throw new Error(`bad escape in ${token}`);
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

function step(node: unknown, token: string): unknown {
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, token)) throw new Error(`no parent ${token}`);
  return (node as Record<string, unknown>)[token];
}

function add(parent: unknown, token: string, value: unknown): void {
  if (typeof parent !== 'object' || parent === null) throw new Error(`parent of ${token} is no object`);
  if (!Array.isArray(parent as Node)) {
    (parent as Record<string, unknown>)[token] = value;
    return;
  }
  const list = parent as unknown[];
  const index = token === '-' ? list.length : Number(token);
  if (!Number.isInteger(index) || index < 0 || index > list.length) throw new Error(`index ${token} beyond the end`);
  list.splice(index, 0, value);
}
