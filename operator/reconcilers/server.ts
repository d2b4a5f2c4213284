import { assessServer } from '../../crds/compile/assess/server.ts';
import type { ServerModel } from '../../crds/types/models.ts';
import type { AssessedKind } from './assessed-kind.ts';

export function serverKind(find: AssessedKind<ServerModel>['find']): AssessedKind<ServerModel> {
  return { kind: 'Server', find, assess: assessServer };
}
