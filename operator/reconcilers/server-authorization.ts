import { assessServerAuthorization } from '../../crds/kinds/server-authorization/assess.ts';
import type { ServerAuthorizationModel } from '../../crds/kinds/server-authorization/model.ts';
import type { AssessedKind } from './assessed-kind.ts';

export function serverAuthorizationKind(
  find: AssessedKind<ServerAuthorizationModel>['find'],
): AssessedKind<ServerAuthorizationModel> {
  return { kind: 'ServerAuthorization', find, assess: assessServerAuthorization };
}
