import type { TestApiServer } from '../../hack/apiserver/server.ts';
import { gatewayDefinitions } from '../../hack/gateway-api/definitions.ts';
import { RawApi } from '../integration/crds/raw-api.ts';

/** The definitions of the Gateway API's standard channel on a test's API server: served when it resolves. May be called again. */
export async function installGatewayApi(server: TestApiServer): Promise<void> {
  const api = new RawApi(server);
  try {
    for (const definition of await gatewayDefinitions()) await api.install(definition);
  } finally {
    api.close();
  }
}
