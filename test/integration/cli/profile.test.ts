import { expect } from 'chai';
import { parse } from 'yaml';
import { loadManifests } from '../../../crds/manifest.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { GOLDEN, TARGET, TEMPLATE } from '../../support/profiles.ts';
import { collectionPath, RawApi } from '../crds/raw-api.ts';

const COLLECTION = collectionPath({
  group: 'linkerd.io',
  version: 'v1alpha2',
  plural: 'serviceprofiles',
  namespace: TARGET.namespace,
});

describe('profiles that the command prints, on a real API server', function () {
  this.timeout(60_000);
  let api: RawApi;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = new RawApi(await sharedApiServer());
    await api.install(loadManifests().find(({ spec }) => spec.names.kind === 'ServiceProfile')!);
    await api.createNamespace(TARGET.namespace);
  });

  after(() => api.close());

  const printed = GOLDEN.map(({ name, printed: print }) => ({ name, text: print() }));
  for (const { name, text } of [...printed, { name: 'the template', text: TEMPLATE }]) {
    it(`${name}: is stored as it is, no field unknown`, async () => {
      const profile: { metadata: { name: string }; spec: unknown } = parse(text, { version: '1.1' });
      const created = await api.send('POST', `${COLLECTION}?fieldValidation=Strict`, profile);
      expect(created.status, JSON.stringify(created.body)).to.equal(201);
      const { body } = await api.send('GET', `${COLLECTION}/${profile.metadata.name}`);
      expect(body['spec']).to.deep.equal(profile.spec);
      await api.send('DELETE', `${COLLECTION}/${profile.metadata.name}`);
    });
  }
});
