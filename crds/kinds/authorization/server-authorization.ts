import type { NetworkMatch } from '../../../proxy-image/contract/resources.ts';
import { matchesSelector } from '../../scalars/label-selector.ts';
import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import { POLICY_GROUP } from '../../types/api-groups.ts';
import { kindName } from '../../types/kind-name.ts';
import type { LabelSelector } from '../../types/label-selector.ts';
import type { ObjectMeta } from '../../types/object-meta.ts';

export const SERVER_AUTHORIZATION = kindName<ServerAuthorizationModel>(POLICY_GROUP, 'ServerAuthorization', [
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

/** Those that select Servers by label; no Server is called so. */
const BY_LABEL = '*';

/** By the Server that they name. */
export const AUTHORIZATIONS_OF_SERVER = keyIndex(SERVER_AUTHORIZATION, 'ofServer', ({ server }, { namespace }) => [
  keyOf(namespace, 'name' in server ? server.name : BY_LABEL),
]);

/** ServerAuthorizations that name or select the Server of this metadata. */
export function authorizationsFor(view: ClusterView, server: ObjectMeta): readonly ServerAuthorizationModel[] {
  const { namespace, name, labels } = server;
  const keys = [keyOf(namespace, name), keyOf(namespace, BY_LABEL)];
  return view.matching(AUTHORIZATIONS_OF_SERVER, keys, ({ server: target }) => {
    return 'name' in target ? target.name === name : matchesSelector(target.selector, labels);
  });
}

function keyOf(namespace: string, server: string): string {
  return `${namespace}/${server}`;
}
