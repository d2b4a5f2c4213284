import { type KubeObject, keyOf } from './object.ts';
import type { Sources } from './sources.ts';
import { plain, resolved } from './template.ts';
import { type TemplateFile, templates } from './templates.ts';
import type { Values } from './values.ts';

/** Every object of an installation, in the order in which they are applied. */
export interface Installation {
  definitions: readonly KubeObject[];
  controlPlane: readonly KubeObject[];
}

/** Values that between them ask for every object. */
const FORMS: readonly Values[] = [{}, { 'operator.split': 'true', 'networkPolicy.enabled': 'true' }];

/** The same values give the same objects: nothing here is random, nor of a time or a cluster. */
export function installation(sources: Sources, values: Values): Installation {
  const { definitions, controlPlane } = templates(sources);
  return {
    definitions: objectsOf(definitions, values),
    controlPlane: objectsOf(controlPlane, values),
  };
}

/** Whatever values may ask for, each object once: what there may be of an installation in a cluster. */
export function everyObject(sources: Sources): Installation {
  const [first, ...others] = FORMS.map((values) => installation(sources, values));
  const all = new Map(
    [first!, ...others].toReversed().flatMap(({ controlPlane }) => controlPlane.map((one) => [keyOf(one), one])),
  );
  const order = [first!, ...others].flatMap(({ controlPlane }) => controlPlane.map(keyOf));
  return { definitions: first!.definitions, controlPlane: [...new Set(order)].map((key) => all.get(key)!) };
}

function objectsOf(files: readonly TemplateFile[], values: Values): KubeObject[] {
  const all = resolved(
    files.flatMap(({ objects }) => objects),
    values,
  );
  return plain(all ?? []) as KubeObject[];
}
