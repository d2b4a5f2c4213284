import { assessSplit } from '../../crds/compile/assess/split.ts';
import type { TrafficSplitModel } from '../../crds/types/models.ts';
import type { AssessedKind } from './assessed-kind.ts';

export function trafficSplitKind(find: AssessedKind<TrafficSplitModel>['find']): AssessedKind<TrafficSplitModel> {
  return { kind: 'TrafficSplit', find, assess: assessSplit };
}
