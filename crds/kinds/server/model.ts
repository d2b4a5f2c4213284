import type { AccessPolicy } from '../../../proxy-image/contract/access-policy.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { LabelSelector } from '../../types/label-selector.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const SERVER = kindName<ServerModel>(POLICY_GROUP, 'Server', ['v1alpha1', 'v1beta1', 'v1beta2', 'v1beta3']);

export interface ServerModel {
  meta: ObjectMeta;
  podSelector: LabelSelector | null;
  port: number | string;
  proxyProtocol: 'unknown' | 'HTTP/1' | 'HTTP/2' | 'gRPC' | 'opaque' | 'TLS';
  accessPolicy: AccessPolicy;
}

/** Whether what is spoken to it is carried as bytes: no request is seen then, and nothing can be said of any. */
export function isOpaque({ proxyProtocol }: ServerModel): boolean {
  return proxyProtocol === 'opaque' || proxyProtocol === 'TLS';
}
