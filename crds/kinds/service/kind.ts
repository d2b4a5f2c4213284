import { BUILT_IN, type KindRow, reduced } from '../row.ts';
import { SERVICE, type ServiceModel } from './model.ts';
import { reduceService } from './parse.ts';
import { SERVICES_BY_IP, SERVICES_SELECTING } from './queries.ts';

export const SERVICE_ROW: KindRow<ServiceModel> = {
  ...SERVICE,
  ...BUILT_IN,
  plural: 'services',
  watched: 'v1',
  indexes: [SERVICES_BY_IP, SERVICES_SELECTING],
  parse: reduced(reduceService),
};
