import { NOW_MS, SYSTEM, type World } from '../world.ts';
import type { Fault } from './fault.ts';

const OPERATOR = `deployment/weft-operator in ${SYSTEM}`;
const OPERATOR_POD = `pod/weft-operator-0 in ${SYSTEM}`;
const definition = (name: string) => `customresourcedefinition/${name}`;
const PROFILES = 'serviceprofiles.linkerd.io';

const CLUSTER: Fault[] = [
  {
    code: 'api-clock-skew',
    title: 'the API server is ten minutes ahead',
    plant: (world) => {
      world.aheadMs = 600_000;
      world.nowMs -= 600_000;
    },
    object: 'the API server',
    reason: /600 s ahead/,
    remedy: /timedatectl/,
  },
  {
    code: 'kubernetes-version',
    title: 'a version without native sidecars',
    plant: (world) => {
      world.serverVersion = 'v1.27.16';
    },
    object: 'the API server',
    reason: /v1\.27\.16/,
    remedy: /kubectl version/,
  },
  {
    code: 'node-kernel',
    title: 'a node with a kernel of 2018',
    plant: (world) => world.set('nodes', 'node-1', 'status.nodeInfo.kernelVersion', '4.15.0-200-generic'),
    object: 'node/node-1',
    reason: /4\.15/,
    remedy: /drain node-1/,
  },
  {
    code: 'node-clock-skew',
    title: 'a node whose clock is two minutes ahead',
    plant: (world) => world.set('nodeLeases', 'node-1', 'spec.renewTime', new Date(NOW_MS + 120_000).toISOString()),
    object: 'node/node-1',
    reason: /120 s ahead/,
    remedy: /debug node\/node-1/,
  },
];

const DEFINITIONS: Fault[] = [
  {
    code: 'definition-missing',
    title: 'somebody has deleted a definition',
    plant: (world) => world.remove('definitions', PROFILES),
    object: definition(PROFILES),
    reason: /does not exist/,
    remedy: /weft install --crds/,
  },
  {
    code: 'definition-not-established',
    title: 'names of a definition are taken',
    plant: (world) => world.set('definitions', PROFILES, 'status.conditions.0.status', 'False'),
    object: definition(PROFILES),
    reason: /does not serve it/,
    remedy: /describe crd serviceprofiles/,
  },
  {
    code: 'definition-not-established',
    title: 'a definition hangs in its deletion',
    plant: (world) => world.set('definitions', PROFILES, 'metadata.deletionTimestamp', '2026-06-01T11:00:00Z'),
    object: definition(PROFILES),
    reason: /being deleted/,
    remedy: /describe crd serviceprofiles/,
  },
  {
    code: 'definition-version',
    title: 'a definition does not serve the version that is read',
    plant: (world) => {
      const { spec } = world.get('definitions', 'servers.policy.linkerd.io') as {
        spec: { versions: { name: string; served: boolean }[] };
      };
      for (const version of spec.versions) version.served = version.name !== 'v1beta3';
    },
    object: definition('servers.policy.linkerd.io'),
    reason: /v1beta3/,
    remedy: /weft install/,
  },
  {
    code: 'definition-without-status',
    title: 'a definition that Linkerd has installed',
    plant: (world) => {
      world.set('definitions', PROFILES, 'metadata.labels', {});
      const { spec } = world.get('definitions', PROFILES) as { spec: { versions: { subresources?: object }[] } };
      for (const version of spec.versions) delete version.subresources;
    },
    object: definition(PROFILES),
    reason: /no status subresource/,
    remedy: /--upgrade-crds/,
  },
  {
    code: 'definition-outdated',
    title: 'a definition of an older version of ours',
    plant: (world) =>
      world.set('definitions', PROFILES, 'spec.versions.0.schema.openAPIV3Schema.properties.spec.properties', {}),
    object: definition(PROFILES),
    reason: /another version of Weft/,
    remedy: /weft install --crds/,
  },
  {
    code: 'definition-stored-version',
    title: 'a definition that has stored another version',
    plant: (world) => world.set('definitions', PROFILES, 'status.storedVersions', ['v1alpha1', 'v1alpha2']),
    object: definition(PROFILES),
    reason: /stored as v1alpha1$/,
    remedy: /--migrate-stored/,
  },
  {
    code: 'gateway-api-version',
    title: 'a Gateway API of its beta',
    plant: (world) =>
      world.add('definitions', {
        metadata: { name: 'httproutes.gateway.networking.k8s.io' },
        spec: { versions: [{ name: 'v1beta1', served: true, storage: true }] },
      }),
    object: definition('httproutes.gateway.networking.k8s.io'),
    reason: /not served as v1/,
    remedy: /kubectl get crd/,
  },
];

const CONTROL_PLANE: Fault[] = [
  {
    code: 'control-plane-namespace-missing',
    title: 'nothing is installed',
    plant: (world) => world.remove('Namespace', SYSTEM),
    object: `namespace/${SYSTEM}`,
    reason: /does not exist/,
    remedy: /weft install --apply/,
  },
  {
    code: 'operator-missing',
    title: 'somebody has deleted the Deployment',
    plant: (world) =>
      world.objects.set(
        'controlPlane',
        world.list('controlPlane').filter((each) => (each as { kind: string }).kind !== 'Deployment'),
      ),
    object: OPERATOR,
    reason: /does not exist/,
    remedy: /weft install --apply/,
  },
  {
    code: 'control-plane-object-missing',
    title: 'somebody has deleted the disruption budget',
    plant: (world) => removeOwn(world, 'PodDisruptionBudget'),
    object: `poddisruptionbudget/weft-operator in ${SYSTEM}`,
    reason: /does not exist/,
    remedy: /weft upgrade --apply/,
  },
  {
    code: 'control-plane-rights',
    title: 'a rule of the ClusterRole is gone',
    plant: (world) => {
      const role = own(world, 'ClusterRole', 'weft-operator') as { rules: { resources: string[] }[] };
      role.rules = role.rules.filter(({ resources }) => !resources.includes('endpointslices'));
    },
    object: 'clusterrole/weft-operator',
    reason: /list discovery\.k8s\.io\/endpointslices/,
    remedy: /weft upgrade --apply/,
  },
  {
    code: 'control-plane-binding',
    title: 'the role is bound to somebody else',
    plant: (world) => {
      const binding = own(world, 'ClusterRoleBinding', 'weft-operator') as { subjects: { name: string }[] };
      binding.subjects[0]!.name = 'default';
    },
    object: 'clusterrolebinding/weft-operator',
    reason: /does not bind/,
    remedy: /weft upgrade --apply/,
  },
  {
    code: 'control-plane-service',
    title: 'the Service has lost the port of the configuration stream',
    plant: (world) => {
      const service = own(world, 'Service', 'weft-operator') as { spec: { ports: { name: string }[] } };
      service.spec.ports = service.spec.ports.filter(({ name }) => name !== 'config');
    },
    object: `service/weft-operator in ${SYSTEM}`,
    reason: /lacks the port 8086/,
    remedy: /weft upgrade --apply/,
  },
  {
    code: 'control-plane-namespace-label',
    title: 'the namespace has lost its label',
    plant: (world) =>
      world.set('Namespace', SYSTEM, ['metadata', 'labels', 'config.linkerd.io/admission-webhooks'], undefined),
    object: `namespace/${SYSTEM}`,
    reason: /lacks the label/,
    remedy: /kubectl label namespace weft-system/,
  },
  {
    code: 'operator-image',
    title: 'the image is not in the registry',
    plant: (world) => {
      waitingFor(world, 'ImagePullBackOff', 'Back-off pulling image');
      unready(world);
    },
    object: OPERATOR_POD,
    reason: /ImagePullBackOff/,
    remedy: /describe pod weft-operator-0/,
  },
  {
    code: 'operator-unschedulable',
    title: 'no node has room',
    plant: (world) => {
      const conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'Unschedulable',
          message: '0/1 nodes are available: 1 Insufficient memory',
        },
      ];
      world.set('Pod', 'weft-operator-0', 'status.conditions', conditions);
      unready(world);
    },
    object: OPERATOR_POD,
    reason: /Insufficient memory/,
    remedy: /describe pod weft-operator-0/,
  },
  {
    code: 'operator-restarting',
    title: 'the operator has no memory',
    plant: (world) => {
      const lastState = {
        terminated: { reason: 'OOMKilled', exitCode: 137, finishedAt: new Date(NOW_MS - 60_000).toISOString() },
      };
      world.set('Pod', 'weft-operator-0', 'status.containerStatuses.0', {
        name: 'operator',
        ready: true,
        restartCount: 7,
        state: { running: {} },
        lastState,
      });
    },
    object: OPERATOR_POD,
    reason: /restarted 7 times.*OOMKilled/,
    remedy: /logs weft-operator-0 --previous/,
  },
  {
    code: 'operator-not-ready',
    title: 'the operator waits for something',
    plant: unready,
    object: OPERATOR,
    reason: /0 of 1 replicas/,
    remedy: /rollout status/,
  },
  {
    code: 'operator-not-ready',
    title: 'somebody has scaled it to nothing',
    plant: (world) => {
      const operator = own(world, 'Deployment', 'weft-operator') as { spec: { replicas: number }; status: object };
      operator.spec.replicas = 0;
      operator.status = { observedGeneration: 1, replicas: 0, updatedReplicas: 0, availableReplicas: 0 };
    },
    object: OPERATOR,
    reason: /scaled to nothing/,
    remedy: /--replicas=1/,
  },
  {
    code: 'control-plane-endpoints',
    title: 'the selector of the Service finds nobody',
    plant: (world) => world.remove('EndpointSlice.discovery.k8s.io', 'weft-operator-x'),
    object: `service/weft-operator in ${SYSTEM}`,
    reason: /no ready endpoint/,
    remedy: /weft upgrade/,
  },
];

interface Own {
  kind: string;
  metadata: { name: string };
}

export function own(world: World, kind: string, name: string): unknown {
  return (world.list('controlPlane') as Own[]).find((each) => each.kind === kind && each.metadata.name === name);
}

function removeOwn(world: World, kind: string): void {
  world.objects.set(
    'controlPlane',
    (world.list('controlPlane') as Own[]).filter((each) => each.kind !== kind),
  );
}

function unready(world: World): void {
  const operator = own(world, 'Deployment', 'weft-operator') as { status: { availableReplicas: number } };
  operator.status.availableReplicas = 0;
}

function waitingFor(world: World, reason: string, message: string): void {
  world.set('Pod', 'weft-operator-0', 'status.containerStatuses.0', {
    name: 'operator',
    ready: false,
    restartCount: 0,
    state: { waiting: { reason, message } },
  });
}

/** Kubernetes, its nodes, the definitions and the objects of the control plane. */
export const OF_CONTROL_PLANE: readonly Fault[] = [...CLUSTER, ...DEFINITIONS, ...CONTROL_PLANE];
