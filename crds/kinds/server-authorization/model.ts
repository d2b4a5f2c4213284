import type { NetworkMatch } from '../../../proxy-image/contract/resources.ts';
import { kindName } from '../../types/kind-name.ts';
import type { LabelSelector } from '../../types/label-selector.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const SERVER_AUTHORIZATION = kindName<ServerAuthorizationModel>('policy.linkerd.io', 'ServerAuthorization', [
  'v1alpha1',
  'v1beta1',
]);

export interface ServerAuthorizationModel {
  meta: ObjectMeta;
  server: { name: string } | { selector: LabelSelector };
  /** Empty = the Mesh's clusterNetworks. */
  networks: NetworkMatch[];
  client:
    | { type: 'unauthenticated' }
    | { type: 'tls' }
    | { type: 'meshTls'; identities: string[]; serviceAccounts: { name: string; namespace: string }[] };
}
