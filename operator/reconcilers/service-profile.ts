import { assessProfile } from '../../crds/compile/assess/profile.ts';
import type { ServiceProfileModel } from '../../crds/types/models.ts';
import type { AssessedKind } from './assessed-kind.ts';

/** ServiceProfile: `status.routes` counts what a column cannot. */
export function serviceProfileKind(find: AssessedKind<ServiceProfileModel>['find']): AssessedKind<ServiceProfileModel> {
  return { kind: 'ServiceProfile', find, assess: assessProfile, fields: ({ routes }) => ({ routes: routes.length }) };
}
