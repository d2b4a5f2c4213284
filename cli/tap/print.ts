import { printable } from '../../crds/scalars/scalar.ts';
import type { TapField, TapShown } from '../../crds/viz/tap.ts';
import type { Format } from '../output/format.ts';
import { harmless, jsonOf } from '../output/harmless.ts';
import { evaluateJsonPath } from '../output/jsonpath/evaluate.ts';
import { NAMESPACE, POD, type ResourceKind } from '../resources/kinds.ts';
import { lineOf, type ResourceLabel } from './line.ts';

/** What stdout gets of an event. `headers`: a line for each field, below the line of a request or response. */
export function printerOf(format: Format, kind: ResourceKind, headers: boolean): (event: TapShown) => string {
  if (format.type === 'json') return (event) => `${jsonOf(event)}\n`;
  if (format.type === 'jsonpath') {
    const { template } = format;
    return (event) => `${harmless(evaluateJsonPath(template, event))}\n`;
  }
  const wide = format.type === 'wide' ? labelOf(kind) : null;
  return (event) => `${lineOf(event, wide)}\n${headers ? fieldsOf(event) : ''}`;
}

/** The label by which an endpoint has a resource of the kind: that of the pods of a namespace is the pod. */
function labelOf(kind: ResourceKind): ResourceLabel {
  const { kind: name, short } = kind === NAMESPACE ? POD : kind;
  return { label: name.toLowerCase(), short: short[0] };
}

function fieldsOf({ requestInitEvent, responseInitEvent }: TapShown): string {
  const fields: readonly TapField[] = requestInitEvent?.headers ?? responseInitEvent?.headers ?? [];
  return fields.map(({ name, valueStr }) => `    ${printable(`${name}: ${valueStr}`)}\n`).join('');
}
