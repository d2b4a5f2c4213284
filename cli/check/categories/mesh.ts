import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { MESH_NAME } from '../../../crds/kinds/mesh/parse.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { SERVICE } from '../../../crds/kinds/service/model.ts';
import { child, listOf, numberOf, textOf } from '../../../crds/parse/metadata.ts';
import { type Cidr, cidrContains, parseCidr } from '../../../crds/scalars/cidr.ts';
import { ENVIRONMENT } from '../../../proxy-image/contract/environment.ts';
import type { Category, Finding } from '../facts/check.ts';
import { conditionOf } from '../facts/conditions.ts';
import type { Facts } from '../facts/facts.ts';
import { about } from '../facts/name.ts';
import { variableOf } from '../facts/proxy.ts';

const EDIT = `kubectl edit mesh ${MESH_NAME}`;

export const MESH_SETTINGS: Category = {
  name: 'weft-config',
  checks: [
    {
      code: 'mesh-invalid',
      description: 'Mesh is valid',
      severity: 'error',
      needs: [MESH.id],
      run: invalidMesh,
    },
    {
      code: 'mesh-name',
      description: 'Mesh is the only one',
      severity: 'warning',
      needs: [MESH.id],
      run: otherMeshes,
    },
    {
      code: 'mesh-not-observed',
      description: 'Mesh is in force as it stands',
      severity: 'warning',
      needs: [MESH.id],
      run: notObserved,
    },
    {
      code: 'proxies-not-connected',
      description: 'proxies are connected to the operator',
      severity: 'warning',
      needs: [MESH.id, POD.id],
      run: notConnected,
    },
    {
      code: 'networks-of-nodes',
      description: 'cluster networks contain all node podCIDRs',
      severity: 'warning',
      needs: [MESH.id, 'nodes'],
      run: (facts) => outside(facts, 'Node', facts.list('nodes'), podNetworks),
    },
    {
      code: 'networks-of-pods',
      description: 'cluster networks contain all pods',
      severity: 'warning',
      needs: [MESH.id, POD.id],
      run: podsOutside,
    },
    {
      code: 'networks-of-services',
      description: 'cluster networks contain all services',
      severity: 'warning',
      needs: [MESH.id, SERVICE.id],
      run: (facts) => outside(facts, SERVICE.kind, facts.list(SERVICE.id), clusterIps),
    },
  ],
};

function meshes(facts: Facts) {
  return facts.parsed.filter(({ row }) => row.id === MESH.id);
}

function invalidMesh(facts: Facts): Finding[] {
  return meshes(facts)
    .filter(({ meta, parsed }) => meta.name === MESH_NAME && parsed.model === null)
    .map(({ raw, parsed }) => {
      const problems = parsed.problems.filter(({ severity }) => severity === 'error');
      const texts = problems.map(({ path, message }) => `${path} ${message}`);
      return about(MESH.kind, raw, `what it says is not in force: ${texts.join('; ')}`, EDIT);
    });
}

function otherMeshes(facts: Facts): Finding[] {
  return meshes(facts)
    .filter(({ meta }) => meta.name !== MESH_NAME)
    .map(({ raw, meta }) => {
      return about(MESH.kind, raw, `only the Mesh called ${MESH_NAME} counts`, `kubectl delete mesh ${meta.name}`);
    });
}

/** A generation that nobody has looked at: the operator that leads would have within seconds. */
function notObserved(facts: Facts): Finding[] {
  return meshes(facts)
    .filter(({ meta }) => meta.name === MESH_NAME)
    .filter(({ raw, meta }) => numberOf(child(raw, 'status'), 'observedGeneration') < meta.generation)
    .map(({ raw }) => {
      const reason = 'its status is not about what it says now: no operator has looked at it yet';
      return about(MESH.kind, raw, reason, 'kubectl -n weft-system logs deployment/weft-operator');
    });
}

/** A pod has had so long to connect, and the operator to count it. */
const COUNTED_WITHIN_MS = 60_000;

/** By the operator's own count, which is a number only where it sees all replicas. */
function notConnected(facts: Facts): Finding[] {
  const [, connected] = /^\d+\/(\d+)$/.exec(textOf(child(facts.rawMesh, 'status'), 'proxies')) ?? [];
  if (connected === undefined) return [];
  const expected = facts.meshed.filter(({ raw }) => {
    const ready = conditionOf(raw, 'Ready');
    const isDirect = variableOf(raw, ENVIRONMENT.configSource) === 'kubernetes';
    return ready?.status === 'True' && !isDirect && !(facts.nowMs - ready.sinceMs < COUNTED_WITHIN_MS);
  });
  const missing = expected.length - Number(connected);
  if (missing <= 0) return [];
  const reason = `${missing} of ${expected.length} proxies are not connected: they go on with the configuration that they had`;
  return [about(MESH.kind, facts.rawMesh, reason, 'kubectl -n weft-system logs deployment/weft-operator')];
}

/** Outside them a client is none of the cluster: policies such as `cluster-authenticated` keep it out. */
function outside(
  facts: Facts,
  kind: string,
  objects: readonly unknown[],
  addressesOf: (raw: unknown) => readonly string[],
): Finding[] {
  const networks = facts.mesh.clusterNetworks.map(networkOf).filter((each) => each !== null);
  return objects.flatMap((raw) => {
    const lost = addressesOf(raw).filter((text) => {
      const own = networkOf(text);
      return own !== null && !networks.some((network) => cidrContains(network, own));
    });
    if (lost.length === 0) return [];
    return [about(kind, raw, `${lost.join(', ')} is in no network of spec.clusterNetworks`, EDIT)];
  });
}

function networkOf(text: string): Cidr | null {
  const parsed = parseCidr(text);
  return parsed.ok ? parsed.value : null;
}

function podNetworks(node: unknown): readonly string[] {
  const spec = child(node, 'spec');
  const several = listOf(spec, 'podCIDRs').filter((each) => typeof each === 'string');
  const one = textOf(spec, 'podCIDR');
  return several.length > 0 || one === '' ? several : [one];
}

function podsOutside(facts: Facts): Finding[] {
  const own = facts.pods.filter(({ model }) => !model.hostNetwork);
  const ips = new Map(own.map(({ raw, model }) => [raw, model.ips]));
  return outside(
    facts,
    POD.kind,
    own.map(({ raw }) => raw),
    (raw) => ips.get(raw) ?? [],
  );
}

function clusterIps(service: unknown): readonly string[] {
  return listOf(child(service, 'spec'), 'clusterIPs').filter((each) => typeof each === 'string');
}
