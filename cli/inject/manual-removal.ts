import { type Document, isMap, isScalar, isSeq, type YAMLMap } from 'yaml';
import { INJECT } from '../../crds/annotations/workload.ts';
import { RESERVED_VOLUMES } from '../../crds/kinds/pod/obstacles.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import { INIT_CONTAINER, PROXY_CONTAINER } from '../../proxy-image/contract/names.ts';
import { RELAYED_PROBE_PREFIX } from '../../proxy-image/contract/relayed-probes.ts';
import { documentsOf, partsIn } from '../manifests/documents.ts';
import { pairOf } from '../manifests/entries.ts';
import type { Input } from '../manifests/input.ts';
import { printed } from '../manifests/printed.ts';
import { isOfInjection } from './marks.ts';
import { readUndo, UNDO_ANNOTATION, type Undo, WRITTEN_IF_ABSENT } from './undo.ts';
import { podOf, roleOf } from './workloads.ts';

/** Injection's own containers. */
const CONTAINERS: readonly string[] = [INIT_CONTAINER, PROXY_CONTAINER];

/**
 * A manifest without the proxies that `weft inject --manual` has written into it: containers, volumes, probes. The wish for one stays, for
 * `planRemoval`. Without such a proxy the text is as it was.
 * @throws CliError WEFT_CLI_MANIFEST
 */
export function removeProxies({ origin, text }: Input): Input {
  const documents = documentsOf(text, origin);
  let isChanged = false;
  for (const document of documents) {
    for (const part of partsIn(document, origin)) {
      if (part === 'no kind') continue;
      const role = roleOf(part.value);
      if (role.type !== 'pods') continue;
      const pod = podOf(part.value, role.path);
      const template = role.path.length === 0 ? part.node : part.node.getIn(role.path, true);
      if (!isMap(template) || !hasProxy(pod)) continue;
      removeProxy(document, template, readUndo(readMeta(pod).annotations[UNDO_ANNOTATION]));
      isChanged = true;
    }
  }
  return isChanged ? { origin, text: printed(documents, text) } : { origin, text };
}

/** Of ours, in something that nothing else makes: of a pod that has an owner, that one is to be changed. */
function hasProxy(pod: unknown): boolean {
  const { meshed, owner } = reducePod(pod);
  return meshed && owner.kind === '';
}

function removeProxy(document: Document.Parsed, template: YAMLMap, undo: Undo): void {
  const spec = template.get('spec', true);
  if (isMap(spec)) {
    for (const list of ['containers', 'initContainers']) {
      removeNamed(spec, list, CONTAINERS);
      for (const container of mapsIn(spec, list)) restoreProbes(document, container, undo);
    }
    removeNamed(spec, 'volumes', RESERVED_VOLUMES);
  }
  removeFromMetadata(template, undo);
}

/** All that injection has written but the wish itself, with which `planRemoval` takes the maps that nothing else is in. */
function removeFromMetadata(template: YAMLMap, { keep }: Undo): void {
  const metadata = template.get('metadata', true);
  if (!isMap(metadata)) return;
  for (const place of ['annotations', 'labels'] as const) {
    const map = metadata.get(place, true);
    if (!isMap(map)) continue;
    map.items = map.items.filter(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : '';
      if (WRITTEN_IF_ABSENT.includes(name)) return keep.includes(name);
      return name === INJECT.names[0] || !isOfInjection(place, name, isScalar(value) ? value.value : value);
    });
    if (map.items.length === 0) metadata.delete(place);
  }
}

function removeNamed(spec: YAMLMap, list: string, names: readonly string[]): void {
  const sequence = spec.get(list, true);
  if (!isSeq(sequence)) return;
  sequence.items = sequence.items.filter((item) => !isMap(item) || !names.includes(nameOf(item)));
  if (sequence.items.length === 0) spec.delete(list);
}

function mapsIn(spec: YAMLMap, list: string): YAMLMap[] {
  const sequence = spec.get(list, true);
  return isSeq(sequence) ? sequence.items.filter((item) => isMap(item)) : [];
}

function nameOf(container: YAMLMap): string {
  const value = pairOf(container, 'name')?.value;
  return isScalar(value) ? String(value.value) : '';
}

/** A probe that asks the proxy would ask nobody. One of which it is not known what it was is left, and the text says whom it asks. */
function restoreProbes(document: Document.Parsed, container: YAMLMap, { probes }: Undo): void {
  const name = nameOf(container);
  for (const holder of [container, container.get('lifecycle', true)]) {
    if (!isMap(holder)) continue;
    for (const pair of holder.items) {
      const kind = isScalar(pair.key) ? String(pair.key.value) : '';
      const before = probes[`${name}/${kind}`];
      const path = isMap(pair.value) ? pair.value.getIn(['httpGet', 'path']) : undefined;
      if (before === undefined || path !== `${RELAYED_PROBE_PREFIX}${name}/${kind}`) continue;
      pair.value = document.createNode(before, { aliasDuplicateObjects: false });
    }
  }
}
