import { POD } from '../../../crds/kinds/pod/model.ts';
import { child, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import type { KubeObject } from '../../install/object.ts';
import { isOperator } from '../../install/objects.ts';
import type { Facts } from './facts.ts';
import { selectorOf } from './selector.ts';

/** The Deployment of the operator; `undefined` where there is none. */
export function operatorOf(facts: Facts): KubeObject | undefined {
  return (facts.list('controlPlane') as readonly KubeObject[]).find(isOperator);
}

/** Pods that the Deployment selects, those that are ending left out. */
export function operatorPods(facts: Facts): readonly unknown[] {
  const selector = selectorOf(child(operatorOf(facts)?.['spec'], 'selector'));
  return facts.list(POD.id).filter((pod) => {
    const { namespace, labels } = readMeta(pod);
    if (namespace !== CONTROL_PLANE_NAMESPACE || textOf(child(pod, 'metadata'), 'deletionTimestamp') !== '')
      return false;
    return matchesSelector(selector, labels);
  });
}

/** An image of a pod, or of a template, by the name of its container; empty where there is none. */
export function imageOf(podSpec: unknown, container: string): string {
  const containers = child(podSpec, 'containers');
  const found = Array.isArray(containers) ? containers.find((each) => textOf(each, 'name') === container) : undefined;
  return textOf(found, 'image');
}
