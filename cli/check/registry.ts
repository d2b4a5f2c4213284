import { CONTROL_PLANE } from './categories/control-plane.ts';
import { DEFINITIONS } from './categories/definitions.ts';
import { KUBERNETES_API, KUBERNETES_VERSION, NODES } from './categories/kubernetes.ts';
import type { Category } from './facts/check.ts';

const CLUSTER: readonly Category[] = [KUBERNETES_API, KUBERNETES_VERSION, NODES];

/** What is checked, in order, by what is asked for. There is no other list. */
export const CATEGORIES: Readonly<Record<'pre' | 'core' | 'proxy', readonly Category[]>> = {
  pre: [...CLUSTER],
  core: [...CLUSTER, DEFINITIONS, CONTROL_PLANE],
  proxy: [...CLUSTER, DEFINITIONS, CONTROL_PLANE],
};

export type Scope = keyof typeof CATEGORIES;
