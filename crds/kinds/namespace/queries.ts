import type { ClusterView } from '../../state/view.ts';
import { NAMESPACE, type NamespaceModel } from './model.ts';

export function namespaceOf(view: ClusterView, name: string): NamespaceModel | null {
  return view.get(NAMESPACE, '', name);
}

/** For assessments only, see `ClusterView.list`. */
export function namespacesOf(view: ClusterView): readonly NamespaceModel[] {
  return view.list(NAMESPACE, '');
}
