import { keyIndex } from '../../state/kind.ts';
import { indexRead, type ReadKey } from '../../state/reads.ts';
import type { ClusterView } from '../../state/view.ts';
import { ENDPOINT_SLICE, type EndpointSliceModel } from './model.ts';

export const SLICES_OF_SERVICE = keyIndex(ENDPOINT_SLICE, 'ofService', ({ service }, { namespace }) => {
  return service === '' ? [] : [keyOf(namespace, service)];
});

export function endpointSlicesOf(view: ClusterView, namespace: string, service: string): readonly EndpointSliceModel[] {
  return view.by(SLICES_OF_SERVICE, keyOf(namespace, service));
}

/** Whether an answer of `endpointSlicesOf` may differ. */
export function endpointSlicesRead(namespace: string, service: string): ReadKey {
  return indexRead(SLICES_OF_SERVICE, keyOf(namespace, service));
}

function keyOf(namespace: string, service: string): string {
  return `${namespace}/${service}`;
}
