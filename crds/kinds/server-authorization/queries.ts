import { matchesSelector } from '../../scalars/label-selector.ts';
import { keyIndex } from '../../state/kind.ts';
import type { ClusterView } from '../../state/view.ts';
import type { ServerModel } from '../server/model.ts';
import { SERVER_AUTHORIZATION, type ServerAuthorizationModel } from './model.ts';

/** Those that select Servers by label; no Server is called so. */
const BY_LABEL = '*';

/** By the Server that they name. */
export const AUTHORIZATIONS_OF_SERVER = keyIndex(SERVER_AUTHORIZATION, 'ofServer', ({ server }, { namespace }) => [
  keyOf(namespace, 'name' in server ? server.name : BY_LABEL),
]);

/** ServerAuthorizations that name or select `server`. */
export function authorizationsFor(view: ClusterView, server: ServerModel): readonly ServerAuthorizationModel[] {
  const { namespace, name, labels } = server.meta;
  const keys = [keyOf(namespace, name), keyOf(namespace, BY_LABEL)];
  return view.matching(AUTHORIZATIONS_OF_SERVER, keys, ({ server: target }) => {
    return 'name' in target ? target.name === name : matchesSelector(target.selector, labels);
  });
}

function keyOf(namespace: string, server: string): string {
  return `${namespace}/${server}`;
}
