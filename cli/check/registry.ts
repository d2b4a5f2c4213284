import { AGGREGATED_APIS, AVAILABILITY } from './categories/availability.ts';
import { BEFORE_INSTALLATION } from './categories/before.ts';
import { CONTROL_PLANE } from './categories/control-plane.ts';
import { DATA_PLANE, PROXY_IDENTITY } from './categories/data-plane.ts';
import { DEFINITIONS } from './categories/definitions.ts';
import { IDENTITY } from './categories/identity.ts';
import { INJECTION } from './categories/injection.ts';
import { KUBERNETES_API, KUBERNETES_VERSION, NODES } from './categories/kubernetes.ts';
import { MESH_SETTINGS } from './categories/mesh.ts';
import { CONTROL_PLANE_NETWORK, NETWORK } from './categories/network.ts';
import { POLICY } from './categories/policy.ts';
import { PORTS } from './categories/ports.ts';
import { PROXY_VERSIONS, VERSIONS } from './categories/versions.ts';
import { OTHER_INJECTORS, WEBHOOKS } from './categories/webhooks.ts';
import type { Category } from './facts/check.ts';

const CLUSTER: readonly Category[] = [KUBERNETES_API, KUBERNETES_VERSION, NODES];
const INSTALLED: readonly Category[] = [
  ...CLUSTER,
  DEFINITIONS,
  CONTROL_PLANE,
  MESH_SETTINGS,
  IDENTITY,
  WEBHOOKS,
  OTHER_INJECTORS,
  CONTROL_PLANE_NETWORK,
  VERSIONS,
  AVAILABILITY,
  AGGREGATED_APIS,
];
const WORKLOADS: readonly Category[] = [DATA_PLANE, PROXY_IDENTITY, PROXY_VERSIONS, INJECTION, PORTS, NETWORK, POLICY];

/** What is checked, in order, by what is asked for. There is no other list. */
export const CATEGORIES: Readonly<Record<'pre' | 'core' | 'proxy', readonly Category[]>> = {
  pre: [...CLUSTER, BEFORE_INSTALLATION, OTHER_INJECTORS],
  core: INSTALLED,
  proxy: [...INSTALLED, ...WORKLOADS],
};

export type Scope = keyof typeof CATEGORIES;
