import { BUILT_IN, type KindRow, reduced } from '../row.ts';
import { POD, type PodModel } from './model.ts';
import { reducePod } from './parse.ts';
import { PODS_BY_IP } from './queries.ts';

export const POD_ROW: KindRow<PodModel> = {
  ...POD,
  ...BUILT_IN,
  plural: 'pods',
  watched: 'v1',
  // An Event of injection about a pod that nobody owns names its uid.
  readBy: ['webhooks'],
  metadataEnoughFor: ['webhooks'],
  indexes: [PODS_BY_IP],
  parse: reduced(reducePod),
};
