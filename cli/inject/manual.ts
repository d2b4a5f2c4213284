import { type Document, isMap, isSeq, visit, type YAMLMap } from 'yaml';
import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { child, textOf } from '../../crds/parse/metadata.ts';
import { isObject } from '../../lib/json.ts';
import { VERSION } from '../../proxy-image/contract/version.ts';
import { type Injection, inject } from '../../webhooks/inject/patch.ts';
import { CliError } from '../errors.ts';
import { documentsOf, type ManifestObject, partsIn } from '../manifests/documents.ts';
import type { Input } from '../manifests/input.ts';
import { printed } from '../manifests/printed.ts';
import { withEntries } from './expected.ts';
import { annotationsOf, type Plan, planInjection, type Rewritten, type Wish } from './plan.ts';
import { UNDO_ANNOTATION, undoOf } from './undo.ts';
import { podOf, roleOf } from './workloads.ts';

/** What the webhook would know of the mesh. */
export interface ManualSettings {
  mesh: MeshModel;
  trustAnchorsPem: string;
  proxyImage: string;
  /** Of objects that name none; empty where nobody has said it. */
  namespace: string;
}

/**
 * A manifest with the whole proxy in it: the patch of the webhook, applied to the template of the pods. Comments and unknown fields stay; lines are printed anew.
 * @throws CliError WEFT_CLI_MANIFEST, WEFT_CLI_USAGE
 */
export function injectManually({ origin, text }: Input, wish: Wish, settings: ManualSettings): Rewritten {
  const documents = documentsOf(text, origin);
  const plans = documents.flatMap((document) =>
    partsIn(document, origin).map((part) => {
      const plan = planInjection(part, text, wish);
      if (part === 'no kind' || plan.outcome === 'skipped') return plan;
      return withProxy(document, part, plan, wish, settings);
    }),
  );
  const isChanged = plans.some(({ outcome }) => outcome === 'injected');
  return { text: isChanged ? printed(documents, text) : text, plans };
}

function withProxy(
  document: Document.Parsed,
  { node, value }: ManifestObject,
  plan: Plan,
  wish: Wish,
  settings: ManualSettings,
): Plan {
  const role = roleOf(value);
  if (role.type !== 'pods') return { ...plan, outcome: 'skipped', reasons: ['it makes no pods'] };
  if (hasAlias(document)) throw new CliError('WEFT_CLI_MANIFEST', `${plan.kind} ${plan.name}: it has aliases`);
  const annotations = annotationsOf(podOf(value, role.path), wish);
  const pod = withEntries(podOf(value, role.path), ['metadata', 'annotations'], annotations);
  const { patch, warnings } = inject({
    pod: ownedPod(pod, value, role.path),
    namespace: namespaceOf(value, plan, settings),
    namespaceAnnotations: {},
    namespaceLabels: {},
    demands: [],
    mesh: settings.mesh,
    trustAnchorsPem: settings.trustAnchorsPem,
    defaultImage: settings.proxyImage,
    version: VERSION,
  });
  const template = role.path.length === 0 ? node : node.getIn(role.path, true);
  if (!isMap(template)) throw new CliError('WEFT_CLI_MANIFEST', `${plan.kind} ${plan.name} has no template`);
  for (const [name, text] of Object.entries(annotations)) {
    setText(document, template, ['metadata', 'annotations', name], text);
  }
  for (const operation of patch) add(document, template, operation);
  const undo = undoOf(pod, patch);
  if (undo !== null) {
    setText(document, template, ['metadata', 'annotations', UNDO_ANNOTATION], JSON.stringify(undo));
  }
  return { ...plan, warnings: [...plan.warnings, ...warnings] };
}

/** As its controller would make it. Pods of a CronJob belong to a Job that has no name yet. */
function ownedPod(pod: unknown, owner: unknown, path: readonly string[]): unknown {
  const kind = textOf(owner, 'kind');
  if (path.length === 0 || kind === 'CronJob' || !isObject(pod)) return pod;
  const name = textOf(child(owner, 'metadata'), 'name');
  const reference = { apiVersion: textOf(owner, 'apiVersion'), kind, name, uid: '', controller: true };
  const metadata = child(pod, 'metadata');
  return { ...pod, metadata: { ...(isObject(metadata) ? metadata : {}), ownerReferences: [reference] } };
}

/** It is a part of the identity that the proxy asks for. */
function namespaceOf(value: unknown, { kind, name }: Plan, { namespace }: ManualSettings): string {
  const own = textOf(child(value, 'metadata'), 'namespace') || namespace;
  if (own !== '') return own;
  throw new CliError('WEFT_CLI_USAGE', `${kind} ${name} names no namespace, which --manual has to know: give it by -n`);
}

function hasAlias(document: Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

function setText(document: Document.Parsed, root: YAMLMap, path: readonly string[], text: string): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    root.set(key, text);
    return;
  }
  const below = root.get(key, true);
  const map = isMap(below) ? below : document.createNode({});
  if (map !== below) root.set(key, map);
  if (isMap(map)) setText(document, map, rest, text);
}

/** RFC 6902 §4.1. */
function add(document: Document.Parsed, root: YAMLMap, { path, value }: Injection['patch'][number]): void {
  const tokens = path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = tokens.pop() ?? '';
  const parent = tokens.reduce<unknown>((node, token) => {
    if (isMap(node)) return node.get(token, true);
    return isSeq(node) ? node.items[Number(token)] : undefined;
  }, root);
  const made = document.createNode(value, { aliasDuplicateObjects: false });
  if (isMap(parent)) parent.set(last, made);
  else if (isSeq(parent)) parent.items.splice(last === '-' ? parent.items.length : Number(last), 0, made);
  else throw new CliError('WEFT_CLI_MANIFEST', `${path} cannot be set`);
}
