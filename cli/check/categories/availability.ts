import { POD } from '../../../crds/kinds/pod/model.ts';
import { child, numberOf, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { VALUES_ANNOTATION } from '../../install/installed-operator.ts';
import { isOurs, type KubeObject } from '../../install/object.ts';
import type { Category, Finding } from '../facts/check.ts';
import { conditionOf } from '../facts/conditions.ts';
import type { Facts } from '../facts/facts.ts';
import { about } from '../facts/name.ts';
import { operatorOf, programPods } from '../facts/operator.ts';

export const AVAILABILITY: Category = {
  name: 'weft-ha-checks',
  checks: [
    {
      code: 'ha-replicas',
      description: 'multiple replicas of control plane pods, where it is installed so',
      severity: 'warning',
      needs: ['controlPlane'],
      run: fewReplicas,
    },
    {
      code: 'ha-nodes',
      description: 'replicas of the control plane are on several nodes, where there are several',
      severity: 'warning',
      needs: ['controlPlane', POD.id, 'nodes'],
      run: oneNode,
    },
  ],
};

export const AGGREGATED_APIS: Category = {
  name: 'weft-extension-checks',
  checks: [
    {
      code: 'api-service-unavailable',
      description: 'aggregated APIs, where they are installed, are available',
      severity: 'warning',
      needs: ['apiServices'],
      run: unavailable,
    },
  ],
};

function isHighlyAvailable(operator: KubeObject): boolean {
  const record = operator.metadata.annotations?.[VALUES_ANNOTATION] ?? '{}';
  return /"ha":"true"/.test(record);
}

function fewReplicas(facts: Facts): Finding[] {
  const operator = operatorOf(facts);
  if (operator === undefined || !isHighlyAvailable(operator)) return [];
  const replicas = numberOf(operator['spec'], 'replicas');
  if (replicas > 1) return [];
  return [
    about(
      'Deployment',
      operator,
      `it was installed with --ha, and has ${replicas} replica`,
      'weft upgrade --apply --ha --force',
    ),
  ];
}

function oneNode(facts: Facts): Finding[] {
  const pods = programPods(facts, operatorOf(facts));
  const nodes = new Set(pods.map((pod) => textOf(child(pod, 'spec'), 'nodeName')));
  const usable = facts.list('nodes').filter((node) => {
    const spec = child(node, 'spec');
    const taints = child(spec, 'taints');
    const isTainted = Array.isArray(taints) && taints.some((taint) => textOf(taint, 'effect') !== 'PreferNoSchedule');
    return conditionOf(node, 'Ready')?.status === 'True' && child(spec, 'unschedulable') !== true && !isTainted;
  });
  if (pods.length < 2 || nodes.size > 1 || usable.length < 2) return [];
  const reason = `its ${pods.length} replicas are all on node ${[...nodes][0]}, and would be gone with it`;
  const [first] = pods;
  return [about('Deployment', operatorOf(facts), reason, `kubectl -n weft-system delete pod ${readMeta(first).name}`)];
}

/** Those of others that do not answer slow down every discovery, which is not for us to judge. */
function unavailable(facts: Facts): Finding[] {
  return (facts.list('apiServices') as readonly KubeObject[]).filter(isOurs).flatMap((raw) => {
    const condition = conditionOf(raw, 'Available');
    if (condition === undefined || condition.status === 'True') return [];
    const reason = `it does not answer: ${condition.message || condition.reason}`;
    return [about('APIService', raw, reason, 'kubectl -n weft-system get pods,endpointslices')];
  });
}
