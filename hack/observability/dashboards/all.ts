import { route, server, service } from './destinations.ts';
import { controlPlane, proxyHealth } from './mesh.ts';
import type { Dashboard } from './model.ts';
import { deployment, namespace, pod, topLine } from './workloads.ts';

export const DASHBOARDS: readonly Dashboard[] = [
  topLine,
  namespace,
  deployment,
  pod,
  service,
  route,
  server,
  controlPlane,
  proxyHealth,
];
