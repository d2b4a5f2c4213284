import { expect } from 'chai';
import { type CustomResourceManifest, loadManifests } from '../../../crds/manifest.ts';
import { isObject } from '../../../lib/json.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { eventually } from '../../support/eventually.ts';
import { OlderRelease } from '../../support/older-release.ts';
import { type Answer, collectionPath, RawApi } from '../crds/raw-api.ts';

const NAMESPACE = 'releases';
const MERGE = { 'content-type': 'application/merge-patch+json' };
const todays = loadManifests();

/** What the release before knows of each kind, and a field that is changed later. */
const SPECS: Readonly<Record<string, { spec: object; changed: object }>> = {
  Mesh: {
    spec: { identity: { certificateLifetime: '12h' }, proxy: { logLevel: 'warn' } },
    changed: { proxy: { logLevel: 'info' } },
  },
  Server: {
    spec: { podSelector: { matchLabels: { app: 'web' } }, port: 'http', proxyProtocol: 'HTTP/1' },
    changed: { port: 8080 },
  },
  ServerAuthorization: {
    spec: { server: { name: 'web' }, client: { meshTLS: { identities: ['*.shop.example'] } } },
    changed: { client: { meshTLS: { identities: ['web.shop.example'] } } },
  },
  ServiceProfile: {
    spec: { routes: [{ name: 'get', condition: { method: 'GET', pathRegex: '/' }, timeout: '1s' }] },
    changed: { routes: [] },
  },
  TrafficSplit: {
    spec: { service: 'web', backends: [{ service: 'web-v1', weight: 90 }] },
    changed: { backends: [{ service: 'web-v2', weight: 1 }] },
  },
};

const storage = ({ spec }: CustomResourceManifest) => spec.versions.find((version) => version.storage)!.name;
const served = ({ spec }: CustomResourceManifest) => spec.versions.filter((version) => version.served);

describe('definitions of the release before, and those of today', function () {
  this.timeout(60_000);
  const release = new OlderRelease(1);
  const earlier = release.definitions();
  const later = earlier.map(({ metadata }) => todays.find((one) => one.metadata.name === metadata.name)!);
  let api: RawApi;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = new RawApi(await sharedApiServer());
    await api.createNamespace(NAMESPACE);
    for (const definition of earlier) await api.install(definition);
    for (const definition of earlier) await send('DELETE', definition, storage(definition));
  });

  after(async () => {
    for (const definition of todays) await api.install(definition);
    for (const definition of earlier) await send('DELETE', definition, storage(definition));
    api.close();
    release.remove();
  });

  function path({ spec: { group, names, scope } }: CustomResourceManifest, version: string): string {
    const namespace = scope === 'Namespaced' ? { namespace: NAMESPACE } : {};
    return collectionPath({ group, version, plural: names.plural, ...namespace });
  }

  /** To the one object of a kind, by one of its versions. */
  function send(
    method: string,
    definition: CustomResourceManifest,
    version: string,
    body?: object,
    subresource = '',
  ): Promise<Answer> {
    const at = method === 'POST' ? path(definition, version) : `${path(definition, version)}/default${subresource}`;
    return api.send(method, at, body, method === 'PATCH' ? MERGE : {});
  }

  async function specOf(definition: CustomResourceManifest, version: string): Promise<object> {
    const { status, body } = await send('GET', definition, version);
    expect(status, `${definition.metadata.name} ${version}`).to.equal(200);
    return body['spec'] as object;
  }

  async function change(definition: CustomResourceManifest, spec: object): Promise<void> {
    const { status, body } = await send('PATCH', definition, storage(definition), { spec });
    expect(status, JSON.stringify(body)).to.equal(200);
  }

  async function storedVersions({ metadata }: CustomResourceManifest): Promise<string[]> {
    const answer = await api.send('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${metadata.name}`);
    return (answer.body['status'] as { storedVersions: string[] }).storedVersions;
  }

  it('have each other\u2019s versions, so that each may follow the other', () => {
    expect(earlier.map(({ spec }) => spec.names.kind).toSorted()).to.deep.equal(Object.keys(SPECS));
    for (const [at, definition] of earlier.entries()) {
      const versions = ({ spec }: CustomResourceManifest) => spec.versions.map(({ name }) => name);
      expect(versions(later[at]!), definition.metadata.name).to.include(storage(definition));
      expect(versions(definition), definition.metadata.name).to.include(storage(later[at]!));
    }
  });

  it('objects of the release before are served by today\u2019s, whole, in every version, and may be changed', async () => {
    const specs = new Map<string, object>();
    for (const definition of earlier) {
      const { kind } = definition.spec.names;
      const apiVersion = `${definition.spec.group}/${storage(definition)}`;
      const object = { apiVersion, kind, metadata: { name: 'default' }, spec: SPECS[kind]!.spec };
      const { status, body } = await send('POST', definition, storage(definition), object);
      expect(status, JSON.stringify(body)).to.equal(201);
      specs.set(kind, await specOf(definition, storage(definition)));
    }
    for (const definition of todays) await api.install(definition);
    for (const definition of later) {
      const { kind } = definition.spec.names;
      for (const { name } of served(definition)) {
        expectContains(await specOf(definition, name), specs.get(kind)!, `${kind} ${name}`);
      }
      await change(definition, SPECS[kind]!.changed);
      expectContains(await specOf(definition, storage(definition)), SPECS[kind]!.changed, kind);
      const observed = await send(
        'PATCH',
        definition,
        storage(definition),
        { status: { observedGeneration: 2 } },
        '/status',
      );
      expect(observed.status, JSON.stringify(observed.body)).to.equal(200);
      expect(await storedVersions(definition)).to.deep.equal([storage(definition)]);
    }
  });

  it('go back: nothing of an object is lost but what only today\u2019s know, and that when it is written again', async () => {
    const [old, mesh] = [earlier, later].map((all) => all.find(({ spec }) => spec.names.kind === 'Mesh')!);
    const rotation = async () =>
      ((await specOf(mesh!, 'v1alpha1')) as { identity: { rotation?: object } }).identity.rotation;
    /** The API server takes a moment to go by another schema: `tap` is a default of today's. */
    const goesBy = async (definition: CustomResourceManifest) => {
      await api.install(definition);
      const isToday = definition === mesh;
      await eventually('its schema', async () => 'tap' in (await specOf(mesh!, 'v1alpha1')) === isToday);
    };
    await goesBy(mesh!);
    await change(mesh!, { identity: { rotation: { leaf: 'first' } } });
    for (const definition of earlier) await api.install(definition);
    await goesBy(old!);
    expect(await rotation()).to.equal(undefined);
    for (const definition of earlier) {
      const { kind } = definition.spec.names;
      expectContains(await specOf(definition, storage(definition)), SPECS[kind]!.changed, kind);
    }
    await goesBy(mesh!);
    expect(await rotation()).to.deep.equal({ leaf: 'first' });
    await goesBy(old!);
    await change(old!, { proxy: { logLevel: 'error' } });
    await goesBy(mesh!);
    expectContains(await specOf(mesh!, 'v1alpha1'), { proxy: { logLevel: 'error' } }, 'Mesh');
    expect(await rotation()).to.equal(undefined);
  });
});

/** Everything of `wanted` is in it; defaults may be, too. */
function expectContains(found: unknown, wanted: unknown, what: string): void {
  if (isObject(wanted) && isObject(found)) {
    for (const [key, value] of Object.entries(wanted)) expectContains(found[key], value, `${what}.${key}`);
    return;
  }
  expect(found, what).to.deep.equal(wanted);
}
