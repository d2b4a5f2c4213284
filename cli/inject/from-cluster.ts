import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE } from '../../proxy-image/contract/names.ts';
import { type Cluster, find } from '../cluster/cluster.ts';
import { readMesh } from '../cluster/mesh.ts';
import { CliError } from '../errors.ts';

/** What an installation says to its webhook. */
export interface Installed {
  mesh: MeshModel;
  trustAnchorsPem: string;
  /** Of proxies where the Mesh names none. */
  proxyImage: string;
}

/** Made by the operator, and named as such in docs/identity.md; the key beside the anchors is not looked at. */
const ISSUER_SECRET = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/secrets/weft-identity-issuer`;
const OPERATOR = `/apis/apps/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/deployments/${CONTROL_PLANE_SERVICE}`;
const IMAGE_VARIABLE = 'WEFT_OPERATOR_PROXY_IMAGE';

/** @throws CliError WEFT_CLI_NOT_INSTALLED, and what the API server says */
export async function installedIn(cluster: Cluster): Promise<Installed> {
  const [mesh, secret, deployment] = await Promise.all([
    readMesh(cluster),
    find<unknown>(cluster, ISSUER_SECRET),
    find<unknown>(cluster, OPERATOR),
  ]);
  if (deployment === null) throw missing(`there is no Deployment ${CONTROL_PLANE_SERVICE}`, cluster);
  const trustAnchorsPem = Buffer.from(textOf(child(secret, 'data'), 'ca.crt'), 'base64').toString('utf8');
  if (trustAnchorsPem === '') throw missing('there is no Secret weft-identity-issuer with trust anchors', cluster);
  return { mesh, trustAnchorsPem, proxyImage: mesh.proxy.image || imageOf(deployment) };
}

function imageOf(deployment: unknown): string {
  const template = child(child(deployment, 'spec'), 'template');
  const variables = listOf(child(template, 'spec'), 'containers').flatMap((container) => listOf(container, 'env'));
  return textOf(
    variables.find((variable) => textOf(variable, 'name') === IMAGE_VARIABLE),
    'value',
  );
}

function missing(what: string, { server }: Cluster): CliError {
  return new CliError('WEFT_CLI_NOT_INSTALLED', `${what} in ${CONTROL_PLANE_NAMESPACE} of ${server}`);
}
