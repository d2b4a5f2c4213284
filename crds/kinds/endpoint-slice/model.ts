import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const ENDPOINT_SLICE = kindName<EndpointSliceModel>('discovery.k8s.io', 'EndpointSlice', ['v1']);

export interface EndpointSliceModel {
  meta: ObjectMeta;
  /** Label `kubernetes.io/service-name`; empty when absent. */
  service: string;
  addressType: 'IPv4' | 'IPv6' | 'FQDN';
  ports: { name: string; port: number; protocol: 'TCP' | 'UDP' | 'SCTP' }[];
  endpoints: {
    addresses: string[];
    /** `null` in the API counts as ready. */
    ready: boolean;
    terminating: boolean;
    serving: boolean;
    targetPod: string;
    nodeName: string;
    zone: string;
    hintZones: string[];
  }[];
}
