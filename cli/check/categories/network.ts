import { NAMESPACE } from '../../../crds/kinds/namespace/model.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { child, listOf, readMeta, textOf } from '../../../crds/parse/metadata.ts';
import { matchesSelector } from '../../../crds/scalars/label-selector.ts';
import { CONTROL_PLANE_NAMESPACE } from '../../../proxy-image/contract/names.ts';
import { OPERATOR_PORTS } from '../../../proxy-image/contract/ports.ts';
import type { Category, Finding } from '../facts/check.ts';
import type { Facts, ObservedPod } from '../facts/facts.ts';
import { about, flag } from '../facts/name.ts';
import { operatorPods } from '../facts/operator.ts';
import { selectorOf } from '../facts/selector.ts';

const NEEDS = ['networkPolicies', NAMESPACE.id, POD.id];
const KIND = 'NetworkPolicy';

export const NETWORK: Category = {
  name: 'weft-network-policies',
  isOfWorkloads: true,
  checks: [
    {
      code: 'network-policy-mesh',
      description: 'NetworkPolicies that admit clients of pods admit their proxies',
      severity: 'warning',
      needs: NEEDS,
      run: blocksMesh,
    },
    {
      code: 'network-policy-control-plane',
      description: 'NetworkPolicies let proxies reach the control plane',
      severity: 'error',
      needs: [...NEEDS, 'controlPlane'],
      run: blocksControlPlane,
    },
  ],
};

/** Whom the control plane must hear: a category of its own, since it is not about workloads. */
export const CONTROL_PLANE_NETWORK: Category = {
  name: 'weft-control-plane-network',
  checks: [
    {
      code: 'network-policy-operator',
      description: 'NetworkPolicies admit proxies and webhooks to the control plane',
      severity: 'error',
      needs: [...NEEDS, 'controlPlane'],
      run: blocksOperator,
    },
  ],
};

type Direction = 'Ingress' | 'Egress';

/** Policies that select a pod and are about a direction (Kubernetes: NetworkPolicy; without `policyTypes` ingress, and egress where there are rules). */
function policiesOf(facts: Facts, pod: unknown, direction: Direction): unknown[] {
  const { namespace, labels } = readMeta(pod);
  return facts.list('networkPolicies').filter((policy) => {
    const spec = child(policy, 'spec');
    const types = listOf(spec, 'policyTypes');
    const isMeant =
      types.length > 0 ? types.includes(direction) : direction === 'Ingress' || listOf(spec, 'egress').length > 0;
    return (
      isMeant &&
      readMeta(policy).namespace === namespace &&
      matchesSelector(selectorOf(child(spec, 'podSelector')), labels)
    );
  });
}

function rulesOf(policies: readonly unknown[], direction: Direction): unknown[] {
  return policies.flatMap((policy) => listOf(child(policy, 'spec'), direction.toLowerCase()));
}

/** Whether a rule is about a TCP port; names of ports are those of `pod`. */
function hasPort(rule: unknown, port: number, pod: ObservedPod['model'] | null): boolean {
  const ports = listOf(rule, 'ports');
  return (
    ports.length === 0 ||
    ports.some((entry) => {
      if ((textOf(entry, 'protocol') || 'TCP') !== 'TCP') return false;
      const own = child(entry, 'port');
      const last = child(entry, 'endPort');
      if (own === undefined) return true;
      if (typeof own === 'number') return port >= own && port <= (typeof last === 'number' ? last : own);
      return pod?.containerPorts.some((each) => each.name === own && each.port === port) ?? false;
    })
  );
}

/** Who admits an application's port and not the proxy's has not thought of the mesh; who admits nothing has meant it. */
function blocksMesh(facts: Facts): Finding[] {
  return facts.meshed.flatMap(({ raw, model }) => {
    const policies = policiesOf(facts, raw, 'Ingress');
    const rules = rulesOf(policies, 'Ingress');
    const { inboundMesh } = model.proxyPorts;
    const own = Object.values(model.proxyPorts);
    const admitted = model.containerPorts.filter(
      ({ port }) => !own.includes(port) && rules.some((rule) => hasPort(rule, port, model)),
    );
    if (policies.length === 0 || admitted.length === 0 || rules.some((rule) => hasPort(rule, inboundMesh, model)))
      return [];
    const ports = admitted.map(({ port }) => port).join(', ');
    const reason = `it admits port ${ports} of pod ${model.meta.name}, and not ${inboundMesh}, on which its proxy hears other proxies`;
    return [about(KIND, policies[0], reason, editOf(policies[0]))];
  });
}

function blocksControlPlane(facts: Facts): Finding[] {
  const [operator] = operatorPods(facts);
  return facts.meshed.flatMap(({ raw, model }) => {
    const policies = policiesOf(facts, raw, 'Egress');
    if (policies.length === 0) return [];
    const rules = rulesOf(policies, 'Egress').filter((rule) => reachesOperator(facts, rule, operator));
    const { config, identity } = OPERATOR_PORTS;
    const lacking = [identity, config].filter((port) => !rules.some((rule) => hasPort(rule, port, null)));
    if (lacking.length === 0) return [];
    const reason = `it keeps pod ${model.meta.name} from port ${lacking.join(' and ')} of ${CONTROL_PLANE_NAMESPACE}: its proxy gets ${
      lacking.includes(identity) ? 'no certificate' : 'no configuration'
    }`;
    return [about(KIND, policies[0], reason, editOf(policies[0]))];
  });
}

/** An address block may or may not have the pod's address: it is given the benefit of the doubt. */
function reachesOperator(facts: Facts, rule: unknown, operator: unknown): boolean {
  const peers = listOf(rule, 'to');
  const { labels } = facts.namespace(CONTROL_PLANE_NAMESPACE);
  return (
    peers.length === 0 ||
    peers.some((peer) => {
      if (child(peer, 'ipBlock') !== undefined) return true;
      const namespaces = child(peer, 'namespaceSelector');
      if (namespaces === undefined || !matchesSelector(selectorOf(namespaces), labels)) return false;
      return (
        operator === undefined || matchesSelector(selectorOf(child(peer, 'podSelector')), readMeta(operator).labels)
      );
    })
  );
}

function blocksOperator(facts: Facts): Finding[] {
  const [operator] = operatorPods(facts);
  const policies = operator === undefined ? [] : policiesOf(facts, operator, 'Ingress');
  const rules = rulesOf(policies, 'Ingress');
  const { webhooks, config, identity } = OPERATOR_PORTS;
  const lacking = [webhooks, config, identity].filter((port) => !rules.some((rule) => hasPort(rule, port, null)));
  if (policies.length === 0 || lacking.length === 0) return [];
  const reason = `it keeps everybody from port ${lacking.join(', ')} of the operator`;
  return [about(KIND, policies[0], reason, editOf(policies[0]))];
}

function editOf(policy: unknown): string {
  const { namespace, name } = readMeta(policy);
  return `kubectl ${flag(namespace)}edit networkpolicy ${name}`;
}
