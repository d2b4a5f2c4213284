import { assessSplit } from '../../crds/kinds/traffic-split/assess.ts';
import type { TrafficSplitModel } from '../../crds/kinds/traffic-split/model.ts';
import type { AssessedKind } from './assessed-kind.ts';

export function trafficSplitKind(find: AssessedKind<TrafficSplitModel>['find']): AssessedKind<TrafficSplitModel> {
  return { kind: 'TrafficSplit', find, assess: assessSplit };
}
