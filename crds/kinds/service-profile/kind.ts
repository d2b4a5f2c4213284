import { CUSTOM, type KindRow } from '../row.ts';
import { assessProfile } from './assess.ts';
import { SERVICE_PROFILE, type ServiceProfileModel } from './model.ts';
import { parseServiceProfile } from './parse.ts';

export const SERVICE_PROFILE_ROW: KindRow<ServiceProfileModel> = {
  ...SERVICE_PROFILE,
  ...CUSTOM,
  plural: 'serviceprofiles',
  watched: 'v1alpha2',
  indexes: [],
  // `routes` is for a column, which cannot count.
  status: { form: 'conditions', assess: assessProfile, fields: ({ routes }) => ({ routes: routes.length }) },
  parse: parseServiceProfile,
};
