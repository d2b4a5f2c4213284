import { stringify } from 'yaml';
import { identityOf, type KubeObject, keyOf } from '../../cli/install/object.ts';
import { plain, resolved, type Template } from '../../cli/install/template.ts';
import type { TemplateFile, Templates } from '../../cli/install/templates.ts';
import type { Values } from '../../cli/install/values.ts';
import { jsonPatch } from './json-patch.ts';
import { documents } from './text.ts';

const HEAD = '# Made by `make packages`; what is changed here by hand is found by a test.\n';

/** Overlays, by name: what `weft install` makes with these values. */
export const OVERLAYS: Readonly<Record<string, Values>> = {
  ha: { ha: 'true' },
  'split-roles': { 'operator.split': 'true' },
  minimal: { 'viz.enabled': 'false', 'operator.podDisruptionBudget': 'false' },
};

/** Files of the kustomizations, by their paths in the tree. */
export function kustomizationFiles({ definitions, controlPlane }: Templates): Map<string, string> {
  return new Map([
    ...folder('crds', [], definitions),
    ...folder('base', ['../crds'], controlPlane),
    ...Object.entries(OVERLAYS).flatMap(([name, values]) => overlay(name, controlPlane, values)),
  ]);
}

function folder(name: string, resources: readonly string[], files: readonly TemplateFile[]): [string, string][] {
  const names = files.map((file) => `${file.name}.yaml`);
  return [
    [`kustomize/${name}/kustomization.yaml`, kustomization({ resources: [...resources, ...names] })],
    ...files.map(({ name: file, objects }): [string, string] => [
      `kustomize/${name}/${file}.yaml`,
      HEAD + documents(withValues(objects, {})),
    ]),
  ];
}

function withValues(objects: readonly Template[], values: Values): readonly Template[] {
  return resolved(objects, values) as readonly Template[];
}

interface Patch {
  path: string;
  /** Of operations of RFC 6902; what is merged names its object itself. */
  target?: object;
}

/** What is other than in the base: objects that are not there any more, others, and fields. */
function overlay(name: string, files: readonly TemplateFile[], values: Values): [string, string][] {
  const all = files.flatMap(({ objects }) => objects);
  const before = plain(withValues(all, {})) as KubeObject[];
  const templates = withValues(all, values);
  const after = new Map(templates.map((template) => [keyOf(plain(template) as KubeObject), template]));
  const patches: Patch[] = [];
  const written: [string, string][] = [];
  const write = (path: string, text: string) => written.push([`kustomize/overlays/${name}/${path}`, HEAD + text]);

  const gone = before.filter((object) => !after.has(keyOf(object)));
  if (gone.length > 0) {
    patches.push({ path: 'without.yaml' });
    write('without.yaml', documents(gone.map((object) => ({ ...identity(object), $patch: 'delete' }))));
  }
  for (const object of before) {
    const operations = jsonPatch(object, plain(after.get(keyOf(object)) ?? (object as Template)));
    if (operations.length === 0) continue;
    const path = `${object.kind.toLowerCase()}-${object.metadata.name}.yaml`;
    patches.push({ path, target: targetOf(object) });
    write(path, stringify(operations, { version: '1.1', lineWidth: 0 }));
  }
  const known = new Set(before.map(keyOf));
  const added = [...after].filter(([key]) => !known.has(key)).map(([, template]) => template);
  if (added.length > 0) write('added.yaml', documents(added));
  const resources = ['../../base', ...(added.length > 0 ? ['added.yaml'] : [])];
  write('kustomization.yaml', kustomization({ resources, patches }).slice(HEAD.length));
  return written;
}

function identity(object: KubeObject): Record<string, Template> {
  return identityOf(object) as unknown as Record<string, Template>;
}

function targetOf({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): object {
  const [version, group] = apiVersion.split('/').toReversed();
  return { ...(group === undefined ? {} : { group }), version, kind, name, namespace };
}

function kustomization(content: object): string {
  const head = { apiVersion: 'kustomize.config.k8s.io/v1beta1', kind: 'Kustomization' };
  return HEAD + stringify({ ...head, ...content }, { lineWidth: 0 });
}
