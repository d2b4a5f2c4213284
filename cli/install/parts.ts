import { OPERATOR_ROLES, type OperatorRole } from '../../crds/types/operator-role.ts';
import { CONTROL_PLANE_SERVICE_ACCOUNT } from '../../proxy-image/contract/names.ts';

/** One Deployment of the control plane, with a ServiceAccount and rights of the same name. */
export interface ControlPlanePart {
  name: string;
  roles: readonly OperatorRole[];
}

/** One program for everything. */
export const WHOLE: ControlPlanePart = {
  name: CONTROL_PLANE_SERVICE_ACCOUNT,
  roles: OPERATOR_ROLES,
};

/**
 * Roles in Deployments of their own (`operator.split`). The one of the controllers has the name of the whole: it leads, and its ClusterRole owns what it makes. `viz` is with
 * `config`, since the numbers of a proxy are with the replica that it is connected to.
 */
export const PARTS: readonly ControlPlanePart[] = [
  { name: CONTROL_PLANE_SERVICE_ACCOUNT, roles: ['controllers'] },
  { name: 'weft-config', roles: ['config', 'viz'] },
  { name: 'weft-identity', roles: ['identity'] },
  { name: 'weft-webhooks', roles: ['webhooks'] },
];
