import { readMeta } from '../../../crds/parse/metadata.ts';
import type { Finding } from './check.ts';

/** `pod/web-1 in shop` */
export function objectName(kind: string, name: string, namespace = ''): string {
  return `${kind.toLowerCase()}/${name}${namespace === '' ? '' : ` in ${namespace}`}`;
}

/** `-n shop ` in a command; nothing for what is of the cluster. */
export function flag(namespace: string): string {
  return namespace === '' ? '' : `-n ${namespace} `;
}

/** A finding about an object as the API server gave it. */
export function about(kind: string, raw: unknown, reason: string, remedy: string): Finding {
  const { name, namespace } = readMeta(raw);
  return { object: objectName(kind, name, namespace), namespace, reason, remedy };
}
