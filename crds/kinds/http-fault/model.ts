import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const HTTP_FAULT = kindName<HttpFaultModel>('weft.dev', 'HTTPFault', ['v1alpha1']);

/** A fault that a rule of a route injects, by an `ExtensionRef` of its filters. First the delay, then the failure. */
export interface HttpFaultModel {
  meta: ObjectMeta;
  /** `ratio` 0..1 of the requests is held up for `ms`. */
  delay: { ms: number; ratio: number } | null;
  /** `ratio` 0..1 of the requests is answered with `status`; a gRPC call with `grpcStatus`. */
  fail: { status: number; grpcStatus: number; message: string; ratio: number } | null;
}

/** Whether an ExtensionRef means one. */
export function isFault(group: string, kind: string): boolean {
  return group === HTTP_FAULT.group && kind === HTTP_FAULT.kind;
}
