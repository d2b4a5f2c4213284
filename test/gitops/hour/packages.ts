import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual, promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { nested } from '../../../cli/install/nested-values.ts';
import { type KubeObject, keyOf } from '../../../cli/install/object.ts';
import type { Values } from '../../../cli/install/values.ts';
import { ROOT } from '../../../hack/packages/files.ts';
import { OVERLAYS } from '../../../hack/packages/kustomizations.ts';
import { findRenderer, rendered } from '../../../hack/packages/render.ts';

const OUTPUT_BYTES = 64_000_000;
const CHARTS = ['weft-crds', 'weft'] as const;

/** An installation as its two packages have it: values of the charts, and the folder of the kustomization. */
export interface Variant {
  values: Values;
  folder: string;
}

export const VARIANTS: ReadonlyMap<string, Variant> = new Map([
  ['base', { values: {}, folder: 'kustomize/base' }],
  ...Object.entries(OVERLAYS).map(([name, values]): [string, Variant] => [
    name,
    { values, folder: `kustomize/overlays/${name}` },
  ]),
]);

/** What Helm makes of both charts, byte for byte. */
export async function templated({ values }: Variant): Promise<string> {
  const program = await findRenderer();
  const given = [['crds'], ['']].map(([part]) =>
    Object.fromEntries(Object.entries(values).filter(([name]) => name.startsWith('crds.') === (part === 'crds'))),
  );
  const texts: string[] = [];
  for (const [at, chart] of CHARTS.entries()) {
    const [rendering] = await rendered(program, join(ROOT, 'charts', chart), [nested(given[at]!)]);
    if (rendering?.manifests === undefined) throw new Error(`chart ${chart}: ${rendering?.error}`);
    for (const [path, text] of Object.entries(rendering.manifests)) {
      // The test of a release is no part of it.
      if (path.endsWith('.yaml') && !path.includes('/tests/')) texts.push(`# ${path}\n${text}`);
    }
  }
  return texts.join('\n---\n');
}

/** What a folder of the tree builds to. */
export async function kustomized(kubectl: string, folder: string): Promise<string> {
  const { stdout } = await promisify(execFile)(kubectl, ['kustomize', join(ROOT, folder)], { maxBuffer: OUTPUT_BYTES });
  return stdout;
}

export function objectsIn(text: string): KubeObject[] {
  const all = parseAllDocuments(text, { version: '1.1' }).map((document) => document.toJS() as KubeObject | null);
  return all.filter((object) => object !== null);
}

/** Keys of the objects that are not the same in both. */
export function differing(some: readonly KubeObject[], others: readonly KubeObject[]): string[] {
  const [one, other] = [some, others].map((all) => new Map(all.map((object) => [keyOf(object), object])));
  return [...new Set([...one!.keys(), ...other!.keys()])].filter(
    (key) => !isDeepStrictEqual(one!.get(key), other!.get(key)),
  );
}
