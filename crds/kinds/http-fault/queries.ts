import type { ClusterView } from '../../state/view.ts';
import { HTTP_FAULT, type HttpFaultModel } from './model.ts';

export function faultOf(view: ClusterView, namespace: string, name: string): HttpFaultModel | null {
  return view.get(HTTP_FAULT, namespace, name);
}
