import { expect } from 'chai';
import { DEFAULT_MESH, parseMesh } from '../../../crds/kinds/mesh/parse.ts';
import { type CustomResourceManifest, loadManifests } from '../../../crds/manifest.ts';
import { type CorpusDocument, loadCorpus, type ManifestObject } from '../../golden/corpus.ts';
import { API_SERVER_START_MS, sharedApiServer } from '../../support/apiserver-shared.ts';
import { type Answer, collectionPath, RawApi } from './raw-api.ts';

const manifests = loadManifests();
const accepted = loadCorpus('accepted');
const rejected = loadCorpus('rejected');

function manifestOf(kind: string): CustomResourceManifest {
  return manifests.find(({ spec }) => spec.names.kind === kind)!;
}

function versionsOf(kind: string): string[] {
  return manifestOf(kind).spec.versions.map(({ name }) => name);
}

function storedVersion(kind: string): string {
  return manifestOf(kind).spec.versions.find(({ storage }) => storage)!.name;
}

function collection({ kind, metadata }: ManifestObject, version: string): string {
  const { group, names } = manifestOf(kind).spec;
  return collectionPath({ group, version, plural: names.plural, namespace: metadata.namespace });
}

function atVersion(object: ManifestObject, version: string): ManifestObject {
  return { ...object, apiVersion: `${manifestOf(object.kind).spec.group}/${version}` };
}

function versionOf(object: ManifestObject): string {
  return object.apiVersion.split('/')[1]!;
}

/** `field` of every cause of a refusal, and its message. */
function causesOf({ body }: Answer): { field: string; message: string }[] {
  const details = body['details'] as { causes?: { field?: string; message?: string }[] } | undefined;
  return (details?.causes ?? []).map(({ field = '', message = '' }) => ({ field, message }));
}

describe('the manifests on a real API server', function () {
  this.timeout(60_000);
  let api: RawApi;

  before(async function () {
    this.timeout(API_SERVER_START_MS);
    api = new RawApi(await sharedApiServer());
    for (const manifest of manifests) await api.install(manifest);
    const namespaces = [...accepted, ...rejected].map(({ object }) => object.metadata.namespace ?? 'default');
    for (const namespace of new Set(namespaces)) await api.createNamespace(namespace);
  });

  after(() => api.close());

  /** Strict, as kubectl asks for it: unknown fields are refused instead of pruned. */
  function create(object: ManifestObject, version: string): Promise<Answer> {
    return api.send('POST', `${collection(object, version)}?fieldValidation=Strict`, atVersion(object, version));
  }

  function read(object: ManifestObject, version: string): Promise<Answer> {
    return api.send('GET', `${collection(object, version)}/${object.metadata.name}`);
  }

  async function remove(object: ManifestObject): Promise<void> {
    await api.send('DELETE', `${collection(object, storedVersion(object.kind))}/${object.metadata.name}`);
  }

  describe('accept in every version, and store completely', () => {
    for (const { id, object } of accepted) {
      it(`${id} ${object.metadata.name}`, async () => {
        for (const version of versionsOf(object.kind)) {
          const created = await create(object, version);
          expect(created.status, `${version}: ${JSON.stringify(created.body)}`).to.equal(201);
          const { body } = await read(object, storedVersion(object.kind));
          expectContains(body['spec'] ?? {}, object.spec ?? {});
          expect(unobservedOf(body['status'])).to.deep.equal(
            object.kind === 'HTTPRoute' ? [] : [-1, 'Ready', 'Unknown'],
          );
          await remove(object);
        }
      });
    }
  });

  describe('lose nothing when written through another version', () => {
    for (const { id, object } of accepted.filter(({ object }) => versionsOf(object.kind).length > 1)) {
      it(`${id} ${object.metadata.name}`, async () => {
        const stored = storedVersion(object.kind);
        await create(object, stored);
        const before = (await read(object, stored)).body['spec'];
        for (const version of versionsOf(object.kind)) {
          const current = await read(object, version);
          const path = `${collection(object, version)}/${object.metadata.name}`;
          const written = await api.send('PUT', path, current.body);
          expect(written.status, `${version}: ${JSON.stringify(written.body)}`).to.equal(200);
          expect((await read(object, stored)).body['spec'], version).to.deep.equal(before);
        }
        await remove(object);
      });
    }
  });

  describe('reject what they can, and leave the rest to the webhook', () => {
    for (const document of rejected) {
      it(`${document.id} ${document.note('rejected by')} ${document.note('path')}`, async () => {
        const answer = await create(document.object, versionOf(document.object));
        await remove(document.object);
        expectRefusal(document, answer);
      });
    }
  });

  it('fill a Mesh without settings with the defaults that hold without a Mesh', async () => {
    const mesh: ManifestObject = { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name: 'default' } };
    await create(mesh, 'v1alpha1');
    const { body } = await read(mesh, 'v1alpha1');
    await remove(mesh);
    const { model, problems } = parseMesh(body);
    expect(problems).to.deep.equal([]);
    expect({ ...model, meta: null }).to.deep.equal(DEFAULT_MESH);
  });

  it('warn about deprecated versions and only about those', async () => {
    for (const { spec } of manifests) {
      for (const { name, deprecated, deprecationWarning } of spec.versions) {
        const path = collectionPath({ group: spec.group, version: name, plural: spec.names.plural });
        const { warnings } = await api.send('GET', path);
        expect(warnings.join(), `${spec.names.kind} ${name}`).to.include(deprecationWarning ?? '');
        expect(warnings.length > 0).to.equal(deprecated === true);
      }
    }
  });

  it('keep status apart from spec, and merge conditions of two writers by type', async () => {
    const { object } = accepted.find(({ object }) => object.kind === 'TrafficSplit')!;
    const path = `${collection(object, 'v1alpha2')}/${object.metadata.name}`;
    await create({ ...object, status: { observedGeneration: 7 } } as ManifestObject, 'v1alpha1');
    for (const type of ['Ready', 'Programmed']) {
      const answer = await api.apply(
        `${path}/status`,
        withCondition(object, 'v1alpha2', type),
        `writer-${type.toLowerCase()}`,
      );
      expect(answer.status, JSON.stringify(answer.body)).to.equal(200);
    }
    const { body } = await read(object, 'v1alpha4');
    await remove(object);
    const status = body['status'] as { observedGeneration: number; conditions: { type: string }[] };
    expect(status.observedGeneration).to.equal(1);
    expect(status.conditions.map(({ type }) => type).sort()).to.deep.equal(['Programmed', 'Ready']);
  });

  it('refuse a status whose conditions say nothing of readiness: kstatus would take the object for current', async () => {
    for (const { object } of accepted.filter(({ object: { kind } }, at, all) => {
      return kind !== 'HTTPRoute' && all.findIndex((each) => each.object.kind === kind) === at;
    })) {
      const version = storedVersion(object.kind);
      await create(object, version);
      const path = `${collection(object, version)}/${object.metadata.name}`;
      const { body } = await api.send('GET', path);
      const [other] = withCondition(object, version, 'Other').status.conditions;
      for (const conditions of [[], [other]]) {
        const forged = { ...body, status: { observedGeneration: 1, conditions } };
        const answer = await api.send('PUT', `${path}/status`, forged);
        expect(answer.status, object.kind).to.equal(422);
        const [{ field, message } = { field: '', message: '' }] = causesOf(answer);
        expect(`${field}: ${message}`).to.match(/^status\.conditions: .*must have a condition Ready$/);
      }
      await remove(object);
    }
  });

  it('show readiness, its reason and the age of every kind in columns', async () => {
    for (const { spec } of manifests) {
      for (const { name } of spec.versions) {
        const path = collectionPath({ group: spec.group, version: name, plural: spec.names.plural });
        const { body } = await api.send('GET', path, undefined, {
          accept: 'application/json;as=Table;g=meta.k8s.io;v=v1',
        });
        const columns = (body['columnDefinitions'] as { name: string }[]).map((column) => column.name);
        const state = spec.names.kind === 'HTTPRoute' ? ['Accepted', 'Programmed'] : ['Ready', 'Proxies'];
        expect(columns, `${spec.names.kind} ${name}`).to.include.members(['Name', ...state, 'Reason', 'Age']);
      }
    }
  });
});

/** What a status says that nobody has written: of routes, that no controller has an entry. */
function unobservedOf(status: unknown): unknown[] {
  const { parents, observedGeneration, conditions } = status as {
    parents?: unknown[];
    observedGeneration?: number;
    conditions?: { type: string; status: string }[];
  };
  return parents ?? [observedGeneration, ...(conditions ?? []).flatMap((each) => [each.type, each.status])];
}

function withCondition(object: ManifestObject, version: string, type: string) {
  const lastTransitionTime = '2026-01-01T00:00:00Z';
  return {
    apiVersion: atVersion(object, version).apiVersion,
    kind: object.kind,
    metadata: { name: object.metadata.name },
    status: {
      observedGeneration: 1,
      conditions: [
        { type, status: 'True', reason: 'Succeeded', message: '', lastTransitionTime, observedGeneration: 1 },
      ],
    },
  };
}

function expectRefusal({ note }: CorpusDocument, answer: Answer): void {
  const text = JSON.stringify(answer.body);
  switch (note('rejected by')) {
    case 'webhook':
      expect(answer.status, text).to.equal(201);
      return;
    case 'cel':
      expect(answer.status, text).to.equal(422);
      expect(
        causesOf(answer).some(({ field, message }) => field === note('path') && message.includes(note('rule'))),
        text,
      ).to.equal(true);
      return;
    default:
      // Unknown fields are refused while decoding, without causes.
      expect(answer.status, text).to.be.oneOf([400, 422]);
      if (answer.status === 400) expect(text).to.include(`unknown field \\"${note('path')}\\"`);
      else
        expect(
          causesOf(answer).map(({ field }) => field),
          text,
        ).to.include(note('path'));
  }
}

/** `actual` holds everything that was sent; defaults may have been added. */
function expectContains(actual: unknown, sent: unknown, path = 'spec'): void {
  if (Array.isArray(sent)) {
    expect(actual, path).to.be.an('array').with.length(sent.length);
    for (const [index, element] of sent.entries())
      expectContains((actual as unknown[])[index], element, `${path}[${index}]`);
  } else if (typeof sent === 'object' && sent !== null) {
    expect(actual, path).to.be.an('object');
    for (const [key, value] of Object.entries(sent)) {
      expectContains((actual as Record<string, unknown>)[key], value, `${path}.${key}`);
    }
  } else {
    expect(actual, path).to.equal(sent);
  }
}
