import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { child, listOf, textOf } from '../../crds/parse/metadata.ts';
import { CONTROL_PLANE_NAMESPACE, CONTROL_PLANE_SERVICE, ISSUER_SECRET } from '../../proxy-image/contract/names.ts';
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

const CORE = `/api/v1/namespaces/${CONTROL_PLANE_NAMESPACE}`;
const OPERATOR = `/apis/apps/v1/namespaces/${CONTROL_PLANE_NAMESPACE}/deployments/${CONTROL_PLANE_SERVICE}`;
const IMAGE_VARIABLE = 'WEFT_OPERATOR_PROXY_IMAGE';

/** @throws CliError WEFT_CLI_NOT_INSTALLED, and what the API server says */
export async function installedIn(cluster: Cluster): Promise<Installed> {
  const [mesh, deployment] = await Promise.all([readMesh(cluster), find<unknown>(cluster, OPERATOR)]);
  if (deployment === null) throw missing(`there is no Deployment ${CONTROL_PLANE_SERVICE}`, cluster);
  const trustAnchorsPem = await anchorsOf(cluster, mesh);
  return { mesh, trustAnchorsPem, proxyImage: mesh.proxy.image || imageOf(deployment) };
}

/** Where the Mesh says that they are; the issuer's key beside them is not looked at. */
async function anchorsOf(cluster: Cluster, { identity }: MeshModel): Promise<string> {
  const { issuer, trustAnchors } = identity;
  if (trustAnchors !== null) {
    const configMap = await find<unknown>(cluster, `${CORE}/configmaps/${encodeURIComponent(trustAnchors.name)}`);
    const pem = textOf(child(configMap, 'data'), trustAnchors.key);
    if (pem === '') throw missing(`there is no ConfigMap ${trustAnchors.name} with trust anchors`, cluster);
    return pem;
  }
  const name = issuer.type === 'Secret' ? issuer.name : ISSUER_SECRET;
  const secret = await find<unknown>(cluster, `${CORE}/secrets/${encodeURIComponent(name)}`);
  const pem = Buffer.from(textOf(child(secret, 'data'), 'ca.crt'), 'base64').toString('utf8');
  if (pem === '') throw missing(`there is no Secret ${name} with trust anchors`, cluster);
  return pem;
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
