import type { AccessPolicy } from '../../../proxy-image/contract/access-policy.ts';
import type { LabelSelector } from '../../types/label-selector.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export interface ServerModel {
  meta: ObjectMeta;
  podSelector: LabelSelector | null;
  port: number | string;
  proxyProtocol: 'unknown' | 'HTTP/1' | 'HTTP/2' | 'gRPC' | 'opaque' | 'TLS';
  accessPolicy: AccessPolicy;
}
