import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE } from '../../proxy-image/contract/names.ts';
import { type Identity, keyOf } from './object.ts';

/** Its Deployment is what an installation is known by. */
export const OPERATOR_IDENTITY: Identity = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: CONTROL_PLANE_SERVICE, namespace: CONTROL_PLANE_NAMESPACE },
};
/** Of the operator's Deployment: the values that the installation was made with, for the next one. */
export const VALUES_ANNOTATION = 'weft.dev/install-values';

/** Of whatever part of the control plane: a program of it runs in it. */
export function isProgram({ kind }: Identity): boolean {
  return kind === 'Deployment';
}

export function isOperator(object: Identity): boolean {
  return keyOf(object) === keyOf(OPERATOR_IDENTITY);
}
