import { OPAQUE_PORTS } from '../../crds/annotations/port-lists.ts';
import { child, listOf, readMeta, textOf } from '../../crds/parse/metadata.ts';
import { isObject } from '../../lib/json.ts';
import type { Injection } from '../../webhooks/inject/patch.ts';

/** Written by `weft inject --manual` where taking the proxy out again needs to know what cannot be seen; `weft uninject` reads it, and takes it away. */
export const UNDO_ANNOTATION = 'weft.dev/uninject';

/** What a template was like, as far as a proxy in it does not show it. */
export interface Undo {
  /** Annotations that injection writes, and that were there before. */
  keep: string[];
  /** Probes and hooks that ask the proxy now, as they were: `container/readinessProbe` → handler. */
  probes: Record<string, Record<string, unknown>>;
}

/** Annotations that injection writes where they are not there, and that mean something without it too. */
export const WRITTEN_IF_ABSENT: readonly string[] = ['kubectl.kubernetes.io/default-container', OPAQUE_PORTS.names[0]];

/** `null`: a proxy shows everything. @param pod as it is before injection, core/v1 and unchecked */
export function undoOf(pod: unknown, patch: Injection['patch']): Undo | null {
  const { annotations } = readMeta(pod);
  const keep = WRITTEN_IF_ABSENT.filter((name) => Object.hasOwn(annotations, name));
  const probes: Undo['probes'] = {};
  for (const { path } of patch) {
    const [, list, index, ...where] =
      /^\/spec\/(containers|initContainers)\/(\d+)\/(?:(lifecycle)\/)?(\w+)$/.exec(path) ?? [];
    if (list === undefined) continue;
    const container = listOf(child(pod, 'spec'), list)[Number(index)];
    const handler = where.filter((key) => key !== undefined).reduce<unknown>(child, container);
    if (isObject(handler)) probes[`${textOf(container, 'name')}/${where.at(-1)}`] = handler;
  }
  return keep.length === 0 && Object.keys(probes).length === 0 ? null : { keep, probes };
}

/** Of what is no such text, nothing is known. */
export function readUndo(text: string | undefined): Undo {
  const nothing: Undo = { keep: [], probes: {} };
  if (text === undefined) return nothing;
  try {
    const value: unknown = JSON.parse(text);
    const probes = Object.entries(isObject(child(value, 'probes')) ? (child(value, 'probes') as object) : {});
    return {
      keep: listOf(value, 'keep').filter((name) => typeof name === 'string'),
      probes: Object.fromEntries(
        probes.filter((entry): entry is [string, Record<string, unknown>] => isObject(entry[1])),
      ),
    };
  } catch {
    return nothing;
  }
}
