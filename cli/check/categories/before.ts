import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { asDefinition, lackOf } from '../../install/definitions.ts';
import { isOurs, type KubeObject } from '../../install/object.ts';
import type { Category, Finding } from '../facts/check.ts';
import type { Facts } from '../facts/facts.ts';
import { about, objectName } from '../facts/name.ts';
import { operatorOf } from '../facts/operator.ts';

export const BEFORE_INSTALLATION: Category = {
  name: 'pre-kubernetes-setup',
  checks: [
    {
      code: 'already-installed',
      description: 'control plane does not already exist',
      severity: 'warning',
      needs: [NAMESPACE.id, 'controlPlane'],
      run: installed,
    },
    {
      code: 'namespace-ending',
      description: 'control plane namespace is not about to go',
      severity: 'error',
      needs: [NAMESPACE.id],
      run: ending,
    },
    {
      code: 'may-not-install',
      description: 'can create everything that an installation has',
      severity: 'error',
      needs: ['rights'],
      run: forbidden,
    },
    {
      code: 'definition-of-others',
      description: 'definitions of others, where there are any, serve the versions that are read',
      severity: 'error',
      needs: ['definitions'],
      run: definitionsOfOthers,
    },
  ],
};

function installed(facts: Facts): Finding[] {
  const operator = operatorOf(facts);
  return operator === undefined ? [] : [about('Deployment', operator, 'it is there already', 'weft upgrade --diff')];
}

function ending(facts: Facts): Finding[] {
  const namespace = facts.find(NAMESPACE.id, CONTROL_PLANE_NAMESPACE) as KubeObject | undefined;
  if (namespace?.metadata['deletionTimestamp'] === undefined) return [];
  const reason = 'it is being deleted: nothing can be created in it';
  return [about(NAMESPACE.kind, namespace, reason, `kubectl get namespace ${CONTROL_PLANE_NAMESPACE} -o yaml`)];
}

function forbidden(facts: Facts): Finding[] {
  return facts.rights
    .filter(({ allowed }) => !allowed)
    .map(({ verb, group, resource, namespace }) => {
      const name = `${resource}${group === '' ? '' : `.${group}`}`;
      const within = namespace === '' ? '' : ` -n ${namespace}`;
      const reason = `you may not ${verb} them`;
      return {
        object: objectName(name, '*', namespace),
        namespace,
        reason,
        remedy: `kubectl auth can-i ${verb} ${name}${within}`,
      };
    });
}

/** `weft install --apply` refuses to go on with them. */
function definitionsOfOthers(facts: Facts): Finding[] {
  return facts.observed.wanted.definitions.flatMap((own) => {
    const found = facts.find('definitions', own.metadata.name) as KubeObject | undefined;
    if (found === undefined || isOurs(found)) return [];
    const lack = lackOf(asDefinition(own), asDefinition(found));
    if (lack.type !== 'version') return [];
    const reason = `somebody else has installed it, and it is not served as ${lack.version}`;
    return [about('CustomResourceDefinition', found, reason, 'weft install --apply --upgrade-crds')];
  });
}
