import type { PodModel } from '../../../crds/kinds/pod/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { child, listOf, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { type ResolvedSettings, resolveSettings } from '../../../webhooks/inject/settings.ts';
import { isOperator, isProgram } from '../../install/installed-operator.ts';
import type { KubeObject } from '../../install/object.ts';
import type { Facts } from './facts.ts';
import { selectorOf } from './selector.ts';

/** The Deployment of the operator; `undefined` where there is none. */
export function operatorOf(facts: Facts): KubeObject | undefined {
  return (facts.list('controlPlane') as readonly KubeObject[]).find(isOperator);
}

/** Deployments of the control plane: the operator's, and those of its roles where they are split. */
export function programsOf(facts: Facts): readonly KubeObject[] {
  return (facts.list('controlPlane') as readonly KubeObject[]).filter(isProgram);
}

/** Pods of the control plane, those that are ending left out. */
export function operatorPods(facts: Facts): readonly unknown[] {
  return programsOf(facts).flatMap((program) => programPods(facts, program));
}

/** Pods that a Deployment of the control plane selects, those that are ending left out. */
export function programPods(facts: Facts, program: KubeObject | undefined): readonly unknown[] {
  const selector = selectorOf(child(program?.['spec'], 'selector'));
  return facts.list(POD.id).filter((pod) => {
    const { namespace, labels } = readMeta(pod);
    if (namespace !== CONTROL_PLANE_NAMESPACE || textOf(child(pod, 'metadata'), 'deletionTimestamp') !== '')
      return false;
    return matchesSelector(selector, labels);
  });
}

function containerOf(facts: Facts): unknown {
  const template = child(operatorOf(facts)?.['spec'], 'template');
  return listOf(child(template, 'spec'), 'containers').find((each) => textOf(each, 'name') === 'operator');
}

export function operatorImage(facts: Facts): string {
  return textOf(containerOf(facts), 'image');
}

/** The proxy's image that the operator was installed with; a Mesh may name another. */
function proxyImage(facts: Facts): string {
  const variable = listOf(containerOf(facts), 'env').find(
    (each) => textOf(each, 'name') === 'WEFT_OPERATOR_PROXY_IMAGE',
  );
  return textOf(variable, 'value');
}

/** How the proxy of a pod would be set if the pod were made now; `null` where the operator does not say which image it injects. */
export function wantedSettings(facts: Facts, pod: PodModel): ResolvedSettings | null {
  const defaultImage = proxyImage(facts);
  if (defaultImage === '') return null;
  const { annotations } = facts.namespace(pod.meta.namespace);
  return resolveSettings({ mesh: facts.mesh, defaultImage, pod, namespaceAnnotations: annotations });
}
