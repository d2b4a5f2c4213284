import { CUSTOM, type KindRow } from '../row.ts';
import { assessSplit } from './assess.ts';
import { TRAFFIC_SPLIT, type TrafficSplitModel } from './model.ts';
import { parseTrafficSplit } from './parse.ts';
import { SPLITS_OF_SERVICE } from './queries.ts';

export const TRAFFIC_SPLIT_ROW: KindRow<TrafficSplitModel> = {
  ...TRAFFIC_SPLIT,
  ...CUSTOM,
  plural: 'trafficsplits',
  watched: 'v1alpha1',
  indexes: [SPLITS_OF_SERVICE],
  status: { form: 'conditions', assess: assessSplit },
  parse: parseTrafficSplit,
};
