import { BUILT_IN, type KindRow, reduced } from '../row.ts';
import { NAMESPACE, type NamespaceModel } from './model.ts';
import { reduceNamespace } from './parse.ts';

export const NAMESPACE_ROW: KindRow<NamespaceModel> = {
  ...NAMESPACE,
  ...BUILT_IN,
  plural: 'namespaces',
  scope: 'Cluster',
  watched: 'v1',
  // Annotations of a namespace hold for its pods.
  readBy: ['webhooks'],
  indexes: [],
  parse: reduced(reduceNamespace),
};
