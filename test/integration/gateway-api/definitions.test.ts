import { expect } from 'chai';
import { bundleOf, gatewayDefinitions } from '../../../hack/gateway-api/definitions.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { installGatewayApi } from '../../support/gateway-api.ts';
import { collectionPath, RawApi } from '../crds/raw-api.ts';

const routes = collectionPath({
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  plural: 'httproutes',
  namespace: 'default',
});

function route(spec: object): object {
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name: 'web' }, spec };
}

describe('the definitions of the Gateway API', function () {
  this.timeout(60_000);
  let api: RawApi;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    const server = await sharedApiServer();
    await installGatewayApi(server);
    api = new RawApi(server);
  });

  after(() => api?.close());

  it('are of one bundle, and of the standard channel', async () => {
    const bundles = (await gatewayDefinitions()).map((definition) => {
      const { version, channel } = bundleOf(definition);
      return `${version} ${channel}`;
    });
    expect(new Set(bundles)).to.deep.equal(new Set(['v1.4.1 standard']));
  });

  it('take a route whose parent is a Service, and refuse one that the API does not allow', async () => {
    const parentRefs = [{ group: '', kind: 'Service', name: 'web', port: 80 }];
    const taken = await api.send(
      'POST',
      routes,
      route({ parentRefs, rules: [{ backendRefs: [{ name: 'web', port: 8080 }] }] }),
    );
    expect(taken.status, JSON.stringify(taken.body)).to.equal(201);
    const filters = [
      { type: 'RequestRedirect', requestRedirect: { port: 80 } },
      { type: 'URLRewrite', urlRewrite: { hostname: 'example.com' } },
    ];
    const refused = await api.send('POST', routes, route({ parentRefs, rules: [{ filters }] }));
    expect(refused.status).to.equal(422);
    await api.send('DELETE', `${routes}/web`);
  });
});
