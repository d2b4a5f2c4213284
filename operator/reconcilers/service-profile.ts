import { assessProfile } from '../../crds/kinds/service-profile/assess.ts';
import type { ServiceProfileModel } from '../../crds/kinds/service-profile/model.ts';
import type { AssessedKind } from './assessed-kind.ts';

/** ServiceProfile: `status.routes` counts what a column cannot. */
export function serviceProfileKind(find: AssessedKind<ServiceProfileModel>['find']): AssessedKind<ServiceProfileModel> {
  return { kind: 'ServiceProfile', find, assess: assessProfile, fields: ({ routes }) => ({ routes: routes.length }) };
}
