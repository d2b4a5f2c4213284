import { kindName } from '../../types/kind-name.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const SERVICE = kindName<ServiceModel>('', 'Service', ['v1']);

/** What Weft keeps of Kubernetes' own kinds: informers reduce objects to these, nothing deeper sees the raw ones. */
export interface ServiceModel {
  meta: ObjectMeta;
  type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName';
  /** Empty for headless Services and ExternalName. */
  clusterIPs: string[];
  headless: boolean;
  ports: {
    name: string;
    port: number;
    targetPort: number | string;
    protocol: 'TCP' | 'UDP' | 'SCTP';
    appProtocol: string;
  }[];
  internalTrafficPolicy: 'Cluster' | 'Local';
  selector: Readonly<Record<string, string>>;
}
