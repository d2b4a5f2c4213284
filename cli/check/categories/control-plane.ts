import { ENDPOINT_SLICE } from '../../../crds/kinds/endpoint-slice/model.ts';
import { endpointSlicesOf } from '../../../crds/kinds/endpoint-slice/queries.ts';
import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { child, listOf, numberOf, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE } from '../../../proxy-image/contract/names.ts';
import { isOperator } from '../../install/installed-operator.ts';
import { type KubeObject, keyOf } from '../../install/object.ts';
import { isRolledOut } from '../../install/wait.ts';
import type { Category, Check, Finding } from '../facts/check.ts';
import type { Facts } from '../facts/facts.ts';
import { grantsOf, isGranted } from '../facts/grants.ts';
import { about, objectName } from '../facts/name.ts';
import { operatorOf, operatorPods, programPods, programsOf } from '../facts/operator.ts';
import {
  type ContainerState,
  containerStates,
  endText,
  isLooping,
  lacksImage,
  unschedulable,
} from '../facts/pod-state.ts';

const INSTALL = 'weft install --apply';
const UPGRADE = 'weft upgrade --apply';
const IN_NAMESPACE = `kubectl -n ${CONTROL_PLANE_NAMESPACE}`;

/** Kubernetes' own admission leaves a namespace with this label to itself, where webhooks ask for it; ours do. */
const EXCLUDED_LABEL = ['config.linkerd.io/admission-webhooks', 'disabled'] as const;

const OBJECTS: readonly Check[] = [
  {
    code: 'control-plane-namespace-missing',
    description: 'control plane namespace exists',
    severity: 'error',
    needs: [NAMESPACE.id],
    isFatal: true,
    run: (facts) =>
      facts.find(NAMESPACE.id, CONTROL_PLANE_NAMESPACE) === undefined
        ? [absent('Namespace', CONTROL_PLANE_NAMESPACE, '', INSTALL)]
        : [],
  },
  {
    code: 'operator-missing',
    description: 'control plane exists',
    severity: 'error',
    needs: ['controlPlane'],
    isFatal: true,
    run: (facts) =>
      operatorOf(facts) === undefined
        ? [absent('Deployment', CONTROL_PLANE_SERVICE, CONTROL_PLANE_NAMESPACE, INSTALL)]
        : [],
  },
  {
    code: 'control-plane-object-missing',
    description: 'control plane has all of its objects',
    severity: 'error',
    needs: ['controlPlane'],
    run: missingObjects,
  },
  {
    code: 'control-plane-rights',
    description: 'control plane may do what it has to',
    severity: 'error',
    needs: ['controlPlane'],
    run: missingRights,
  },
  {
    code: 'control-plane-binding',
    description: 'control plane has its roles',
    severity: 'error',
    needs: ['controlPlane'],
    run: wrongBindings,
  },
  {
    code: 'control-plane-service',
    description: 'control plane Service has the ports that proxies and webhooks use',
    severity: 'error',
    needs: ['controlPlane'],
    run: missingPorts,
  },
  {
    code: 'control-plane-namespace-label',
    description: 'control plane namespace is left out of webhooks',
    severity: 'warning',
    needs: [NAMESPACE.id],
    run: unlabelledNamespace,
  },
];

const PODS: readonly Check[] = [
  {
    code: 'operator-image',
    description: 'control plane images can be pulled',
    severity: 'error',
    needs: ['controlPlane', POD.id],
    run: (facts) =>
      ofContainers(facts, lacksImage, ({ waiting, message }) =>
        `cannot get its image: ${waiting} ${message}`.trimEnd(),
      ),
  },
  {
    code: 'operator-unschedulable',
    description: 'no unschedulable pods of the control plane',
    severity: 'warning',
    needs: ['controlPlane', POD.id],
    run: (facts) =>
      operatorPods(facts).flatMap((pod) => {
        const reason = unschedulable(pod);
        return reason === '' ? [] : [about(POD.kind, pod, `no node takes it: ${reason}`, describe(pod))];
      }),
  },
  {
    code: 'operator-restarting',
    description: 'control plane pods do not restart again and again',
    severity: 'error',
    needs: ['controlPlane', POD.id],
    run: (facts) =>
      ofContainers(
        facts,
        (state) => isLooping(state, facts.nowMs),
        endText,
        (pod) => {
          return `${IN_NAMESPACE} logs ${readMeta(pod).name} --previous`;
        },
      ),
  },
  {
    code: 'operator-not-ready',
    description: 'control plane replicas are ready',
    severity: 'error',
    needs: ['controlPlane'],
    run: notReady,
  },
  {
    code: 'control-plane-endpoints',
    description: 'control plane Service has endpoints',
    severity: 'error',
    needs: [ENDPOINT_SLICE.id],
    run: withoutEndpoints,
  },
];

export const CONTROL_PLANE: Category = { name: 'weft-existence', checks: [...OBJECTS, ...PODS] };

function absent(kind: string, name: string, namespace: string, remedy: string): Finding {
  return { object: objectName(kind, name, namespace), namespace, reason: 'it does not exist', remedy };
}

function describe(pod: unknown): string {
  return `${IN_NAMESPACE} describe pod ${readMeta(pod).name}`;
}

/** As this version of the command would install it, beside what the cluster has. */
function pairs(facts: Facts, ...kinds: readonly string[]): { wanted: KubeObject; found: unknown }[] {
  const found = new Map(facts.list('controlPlane').map((raw) => [keyOf(raw as KubeObject), raw]));
  const { controlPlane } = facts.observed.wanted;
  return controlPlane
    .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
    .map((wanted) => ({ wanted, found: found.get(keyOf(wanted)) }));
}

/** Namespace and operator have checks of their own. */
function missingObjects(facts: Facts): Finding[] {
  return pairs(facts)
    .filter(({ wanted, found }) => found === undefined && wanted.kind !== 'Namespace' && !isOperator(wanted))
    .map(({ wanted: { kind, metadata } }) => absent(kind, metadata.name, metadata.namespace ?? '', UPGRADE));
}

function missingRights(facts: Facts): Finding[] {
  return pairs(facts, 'ClusterRole', 'Role').flatMap(({ wanted, found }) => {
    if (found === undefined) return [];
    const grants = new Set(grantsOf(found));
    const lacking = grantsOf(wanted).filter((each) => !isGranted(each, grants));
    if (lacking.length === 0) return [];
    return [about(wanted.kind, wanted, `it does not allow ${some(lacking)}`, UPGRADE)];
  });
}

function wrongBindings(facts: Facts): Finding[] {
  return pairs(facts, 'ClusterRoleBinding', 'RoleBinding').flatMap(({ wanted, found }) => {
    if (found === undefined) return [];
    const has = (subject: unknown) => listOf(found, 'subjects').some((each) => isSameSubject(each, subject));
    const isBound =
      textOf(child(found, 'roleRef'), 'name') === textOf(child(wanted, 'roleRef'), 'name') &&
      listOf(wanted, 'subjects').every(has);
    if (isBound) return [];
    return [about(wanted.kind, wanted, 'it does not bind the role to the ServiceAccount of the operator', UPGRADE)];
  });
}

function isSameSubject(one: unknown, other: unknown): boolean {
  return ['kind', 'name', 'namespace'].every((field) => textOf(one, field) === textOf(other, field));
}

function missingPorts(facts: Facts): Finding[] {
  return pairs(facts, 'Service').flatMap(({ wanted, found }) => {
    if (found === undefined) return [];
    const portsOf = (service: unknown) =>
      listOf(child(service, 'spec'), 'ports').map(
        (port) => `${numberOf(port, 'port')} → ${child(port, 'targetPort') ?? ''}`,
      );
    const held = portsOf(found);
    const lacking = portsOf(wanted).filter((port) => !held.includes(port));
    return lacking.length === 0 ? [] : [about('Service', wanted, `it lacks the port ${some(lacking)}`, UPGRADE)];
  });
}

function unlabelledNamespace(facts: Facts): Finding[] {
  const [label, value] = EXCLUDED_LABEL;
  const { labels } = facts.namespace(CONTROL_PLANE_NAMESPACE);
  if (labels[label] === value) return [];
  return [
    {
      object: objectName('Namespace', CONTROL_PLANE_NAMESPACE),
      namespace: '',
      reason: `it lacks the label ${label}=${value}: webhooks could keep the operator from starting`,
      remedy: `kubectl label namespace ${CONTROL_PLANE_NAMESPACE} --overwrite ${label}=${value}`,
    },
  ];
}

function ofContainers(
  facts: Facts,
  isWrong: (state: ContainerState) => boolean,
  reason: (state: ContainerState) => string,
  remedy: (pod: unknown) => string = describe,
): Finding[] {
  return operatorPods(facts).flatMap((pod) =>
    containerStates(pod)
      .filter(isWrong)
      .map((state) => about(POD.kind, pod, `container ${state.name} ${reason(state)}`, remedy(pod))),
  );
}

/** One cause is one finding: pods that cannot run are told by their own checks. */
function notReady(facts: Facts): Finding[] {
  return programsOf(facts).flatMap((program) => {
    const { name } = program.metadata;
    const wanted = numberOf(program['spec'], 'replicas');
    if (wanted === 0) {
      const remedy = `${IN_NAMESPACE} scale deployment ${name} --replicas=1`;
      return [about('Deployment', program, 'it is scaled to nothing', remedy)];
    }
    if (isRolledOut(program) || hasCause(facts, program)) return [];
    const status = child(program, 'status');
    const reason = `${numberOf(status, 'availableReplicas')} of ${wanted} replicas are available, ${numberOf(status, 'updatedReplicas')} of the present template`;
    return [about('Deployment', program, reason, `${IN_NAMESPACE} rollout status deployment ${name}`)];
  });
}

function hasCause(facts: Facts, program: KubeObject): boolean {
  return programPods(facts, program).some((pod) => {
    const isStuck = (state: ContainerState) => lacksImage(state) || isLooping(state, facts.nowMs);
    return unschedulable(pod) !== '' || containerStates(pod).some(isStuck);
  });
}

/** While the Service is there and the operator ready, it is the selector that is wrong. */
function withoutEndpoints(facts: Facts): Finding[] {
  const operator = operatorOf(facts);
  if (operator === undefined || !isRolledOut(operator) || numberOf(operator['spec'], 'replicas') === 0) return [];
  const slices = endpointSlicesOf(facts.view, CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE);
  if (slices.some(({ endpoints }) => endpoints.some(({ ready }) => ready))) return [];
  return [
    {
      object: objectName('Service', CONTROL_PLANE_SERVICE, CONTROL_PLANE_NAMESPACE),
      namespace: CONTROL_PLANE_NAMESPACE,
      reason: 'it has no ready endpoint: proxies and webhooks reach nobody',
      remedy: UPGRADE,
    },
  ];
}

const MAX_NAMED = 5;

function some(texts: readonly string[]): string {
  const more = texts.length - MAX_NAMED;
  return texts.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
