import { assessServerAuthorization } from '../../crds/compile/assess/server-authorization.ts';
import type { ServerAuthorizationModel } from '../../crds/types/models.ts';
import type { AssessedKind } from './assessed-kind.ts';

export function serverAuthorizationKind(
  find: AssessedKind<ServerAuthorizationModel>['find'],
): AssessedKind<ServerAuthorizationModel> {
  return { kind: 'ServerAuthorization', find, assess: assessServerAuthorization };
}
