import { OPAQUE_PORTS } from '../../crds/annotations/port-lists.ts';
import { INJECT } from '../../crds/annotations/workload.ts';
import { readObstacles } from '../../crds/kinds/pod/obstacles.ts';
import { child, listOf, readMeta, textOf } from '../../crds/parse/metadata.ts';
import { decide } from '../../webhooks/inject/decide.ts';
import { SKIP_TEXT } from '../../webhooks/inject/skip-reason.ts';
import type { ManifestObject, Part } from '../manifests/documents.ts';
import { putEntries, takeEntries } from '../manifests/entries.ts';
import type { TextEdit } from '../manifests/text-edit.ts';
import { withEntries, withoutEntries } from './expected.ts';
import { isOfInjection } from './marks.ts';
import { podOf, roleOf } from './workloads.ts';

/** What becomes of one object, and why. */
export interface Plan {
  /** Lower case; empty where the document has no kind. */
  kind: string;
  /** Empty where the API server has still to make one up. */
  name: string;
  outcome: 'injected' | 'annotated' | 'uninjected' | 'skipped';
  /** Why it is skipped. */
  reasons: string[];
  warnings: string[];
  edits: TextEdit[];
  /** What the object must read as when the edits are done. */
  after: unknown;
}

/** A text with what has become of its objects. */
export interface Rewritten {
  text: string;
  plans: Plan[];
}

/** What `weft inject` was asked to set. */
export interface Wish {
  /** `null`: `enabled`, but an object that says `ingress` goes on saying it. */
  mode: 'ingress' | null;
  /** Settings of the proxy, by the names of their annotations. */
  annotations: Readonly<Record<string, string>>;
}

const [INJECT_NAME] = INJECT.names;
const [OPAQUE_PORTS_NAME] = OPAQUE_PORTS.names;
/** As if the namespace wanted it: who calls the command does, and an object that says no is heard. */
const WANTED = { annotations: { [INJECT_NAME]: 'enabled' }, labels: {} };

/** @param text that the object stands in */
export function planInjection(part: Part, text: string, wish: Wish): Plan {
  if (part === 'no kind') return NO_KIND;
  const { value } = part;
  const plan = untouched(value);
  const role = roleOf(value);
  switch (role.type) {
    case 'pods': {
      const pod = podOf(value, role.path);
      const decision = decide(pod, WANTED);
      if (!decision.inject) return { ...plan, reasons: decision.reasons.map((reason) => SKIP_TEXT[reason]) };
      const edited = annotated(part, text, role.path, annotationsOf(pod, wish));
      return { ...plan, ...edited, outcome: 'injected', warnings: warningsOf(pod) };
    }
    case 'namespace':
      if (readMeta(value).annotations[INJECT_NAME] === 'disabled') {
        return { ...plan, reasons: [`it has the annotation ${INJECT_NAME}: disabled`] };
      }
      return { ...plan, ...annotated(part, text, [], annotationsOf(value, wish)), outcome: 'injected' };
    case 'service': {
      const ports = wish.annotations[OPAQUE_PORTS_NAME];
      if (ports === undefined) return { ...plan, reasons: ['a Service needs no annotation'] };
      return { ...plan, ...annotated(part, text, [], { [OPAQUE_PORTS_NAME]: ports }), outcome: 'annotated' };
    }
    case 'other':
      return { ...plan, reasons: ['it makes no pods'] };
  }
}

function annotated(
  { node, value }: ManifestObject,
  text: string,
  path: readonly string[],
  annotations: Readonly<Record<string, string>>,
): Pick<Plan, 'edits' | 'after'> {
  const where = [...path, 'metadata', 'annotations'];
  return {
    edits: putEntries(text, node, where, Object.entries(annotations)),
    after: withEntries(value, where, annotations),
  };
}

export function planRemoval(part: Part, text: string): Plan {
  if (part === 'no kind') return NO_KIND;
  const { node, value } = part;
  const plan = untouched(value);
  const role = roleOf(value);
  if (role.type !== 'pods' && role.type !== 'namespace') return { ...plan, reasons: ['it makes no pods'] };
  const path = role.type === 'pods' ? role.path : [];
  const isWithProxy = role.type === 'pods' && readObstacles(podOf(value, path)).includes('sidecar_already_exists');
  if (isWithProxy) return { ...plan, reasons: [WITH_PROXY] };
  const edits: TextEdit[] = [];
  let after: unknown = value;
  for (const place of role.type === 'pods' ? (['annotations', 'labels'] as const) : (['annotations'] as const)) {
    const where = [...path, 'metadata', place];
    const isTaken = (key: string, old: unknown) => isOfInjection(place, key, old);
    edits.push(...takeEntries(text, node, where, isTaken));
    after = withoutEntries(after, where, isTaken);
  }
  if (edits.length === 0) return { ...plan, reasons: ['nothing of it is from injection'] };
  return { ...plan, outcome: 'uninjected', edits, after };
}

const NO_KIND: Plan = {
  kind: '',
  name: '',
  outcome: 'skipped',
  reasons: ['it has no kind'],
  warnings: [],
  edits: [],
  after: undefined,
};

function untouched(value: unknown): Plan {
  return { ...NO_KIND, kind: textOf(value, 'kind').toLowerCase(), name: nameOf(value), reasons: [], after: value };
}

const WITH_PROXY =
  'it has the containers of a proxy, which the webhook adds to pods: uninject what the pod is made from';

function nameOf(value: unknown): string {
  const metadata = child(value, 'metadata');
  return textOf(metadata, 'name') || textOf(metadata, 'generateName');
}

/** @param object whose annotations they are to be: a pod, or a namespace */
export function annotationsOf(object: unknown, { mode, annotations }: Wish): Record<string, string> {
  const own = readMeta(object).annotations[INJECT_NAME];
  return { [INJECT_NAME]: mode ?? (own === 'ingress' ? own : 'enabled'), ...annotations };
}

/** A proxy is about TCP. */
function warningsOf(pod: unknown): string[] {
  const spec = child(pod, 'spec');
  const isUdp = (container: unknown) => listOf(container, 'ports').some((port) => textOf(port, 'protocol') === 'UDP');
  return listOf(spec, 'containers').some(isUdp) ? ['uses "protocol: UDP", which bypasses the proxy'] : [];
}
