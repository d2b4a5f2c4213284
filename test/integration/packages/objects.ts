import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import { type KubeObject, keyOf } from '../../../cli/install/object.ts';
import type { Rendering } from '../../../hack/packages/render.ts';

/** By what is told apart: the order is of no account. */
export function byKey(objects: readonly KubeObject[]): Record<string, KubeObject> {
  return Object.fromEntries(objects.map((object) => [keyOf(object), object]));
}

/** Of a chart, without the test of the release. */
export function objectsOf({ manifests, error }: Rendering): KubeObject[] {
  expect(error).to.equal(undefined);
  const texts = Object.entries(manifests ?? {}).filter(([path]) => path.endsWith('.yaml') && !path.includes('/tests/'));
  const documents = texts.flatMap(([, text]) => parseAllDocuments(text, { version: '1.1' }));
  return documents.map((document) => document.toJS() as KubeObject | null).filter((object) => object !== null);
}
