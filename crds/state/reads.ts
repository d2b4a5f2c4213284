import type { KindName } from '../types/kind-name.ts';

/**
 * Text that names a read, such as `Service/emojivoto/web` or `Pod#byIp/10.1.2.3`. One spelling per read: the store that reports a change and the view
 * that notes a read must write the same text.
 */
export type ReadKey = string;

/** The trust bundle is of no kind: it comes from the operator's own Secrets, or from the environment in direct mode. */
export const TRUST_READ: ReadKey = 'trust';

/** One object by its own name; `namespace` is empty for what has none. */
export function objectRead({ id }: KindName, namespace: string, name: string): ReadKey {
  return `${id}/${namespace}/${name}`;
}

/** All objects of a namespace; `*` is no name. */
export function namespaceRead({ id }: KindName, namespace: string): ReadKey {
  return `${id}/${namespace}/*`;
}

/** What an index has under one key. */
export function indexRead({ id }: { readonly id: string }, key: string): ReadKey {
  return `${id}/${key}`;
}

/** One bucket of a selector index; `label` is `key=value`, or `*` for selectors that no label narrows. */
export function labelRead({ id }: { readonly id: string }, namespace: string, label: string): ReadKey {
  return `${id}/${namespace}/${label}`;
}

/** Which label keys the selectors of a namespace are filed under. */
export function labelKeysRead({ id }: { readonly id: string }, namespace: string): ReadKey {
  return `${id}:keys/${namespace}`;
}
