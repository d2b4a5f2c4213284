/** An object of a kind whose uses are counted. `Mesh` is in every resource and is counted over all connections instead. */
export interface ObjectRef {
  /** `KindName.id` */
  kind: string;
  namespace: string;
  name: string;
}

/** Text form of an `ObjectRef`: `TrafficSplit.split.smi-spec.io/emojivoto/web`. */
export type ObjectRefText = string;

export function formatRef(ref: ObjectRef): ObjectRefText {
  return `${ref.kind}/${ref.namespace}/${ref.name}`;
}

/** The way back; `text` is of `formatRef`. */
export function parseRef(text: ObjectRefText): ObjectRef {
  const [kind = '', namespace = '', name = ''] = text.split('/');
  return { kind, namespace, name };
}
