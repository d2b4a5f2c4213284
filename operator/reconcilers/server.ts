import { assessServer } from '../../crds/kinds/server/assess.ts';
import type { ServerModel } from '../../crds/kinds/server/model.ts';
import type { AssessedKind } from './assessed-kind.ts';

export function serverKind(find: AssessedKind<ServerModel>['find']): AssessedKind<ServerModel> {
  return { kind: 'Server', find, assess: assessServer };
}
