import { expect } from 'chai';
import { type CustomResourceManifest, type JsonSchema, loadManifests } from '../../crds/manifest.ts';
import { loadSchemas } from '../../crds/schema.ts';
import type { Problem } from '../../crds/types/problem.ts';
import { type CorpusDocument, loadCorpus, parseByKind } from './corpus.ts';

const schemas = loadSchemas();
const accepted = loadCorpus('accepted');
const rejected = loadCorpus('rejected');
const manifests = loadManifests();

const errorPaths = (problems: Problem[]) => problems.filter((p) => p.severity === 'error').map((p) => p.path);
const warningPaths = (problems: Problem[]) => problems.filter((p) => p.severity === 'warning').map((p) => p.path);
const describeProblems = (problems: Problem[]) => problems.map((p) => `${p.path}: ${p.message}`).join('\n');

describe('accepted manifests', () => {
  for (const { id, note, object } of accepted) {
    it(`${id} ${object.kind} ${object.metadata.name} fits the schema and parses`, () => {
      expect(note('source'), 'source').to.not.equal('');
      expect(describeProblems(schemas.validate(object))).to.equal('');
      const { model, problems } = parseByKind(object);
      expect(errorPaths(problems), describeProblems(problems)).to.deep.equal([]);
      expect(model).to.not.equal(null);
      const expected = note('warns') === '' ? [] : note('warns').split(' ');
      expect(warningPaths(problems).sort(), describeProblems(problems)).to.deep.equal(expected.sort());
    });
  }

  it('are at least 60 and cover every served version of every kind', () => {
    expect(accepted.length).to.be.at.least(60);
    const seen = new Set(accepted.map(({ object }) => `${object.apiVersion} ${object.kind}`));
    for (const { spec } of manifests) {
      for (const { name } of spec.versions) expect(seen).to.include(`${spec.group}/${name} ${spec.names.kind}`);
    }
  });

  it('contain both forms of condition.not, and integer, decimal, suffixed and exponent weights', () => {
    const text = JSON.stringify(accepted.map(({ object }) => object));
    expect(text)
      .to.match(/"condition":\{"not":\{/)
      .and.to.match(/"condition":\{"not":\[/);
    for (const weight of ['5', '"5"', '"500m"', '"1k"', '"1e3"']) expect(text).to.include(`"weight":${weight}`);
  });
});

describe('rejected manifests', () => {
  for (const document of rejected) {
    it(`${document.id} ${document.object.kind} is rejected by ${document.note('rejected by')} at ${document.note('path')}`, () => {
      expectRejected(document);
    });
  }

  it('cover every rule of Linkerd that concerns these kinds', () => {
    const rows = new Set(rejected.map(({ note }) => note('row').replace(/ \(.*$/, '')));
    for (let row = 1; row <= 15; row += 1) expect(rows).to.include(`ServiceProfile ${row}`);
    expect(rows).to.include('Server').and.to.include('ServerAuthorization');
  });

  it('cover every CEL rule of every manifest', () => {
    for (const manifest of manifests) {
      const covered = new Set(
        rejected.filter(({ object }) => object.kind === manifest.spec.names.kind).map(({ note }) => note('rule')),
      );
      for (const message of celMessages(manifest)) expect(covered, manifest.metadata.name).to.include(message);
    }
  });
});

/** Their rules are judged one by one: the model is kept (ADR 25). */
const BY_PARTS = ['HTTPRoute'];

function expectRejected({ note, object }: CorpusDocument): void {
  const path = note('path');
  const parsed = parseByKind(object);
  expect(errorPaths(parsed.problems), describeProblems(parsed.problems)).to.include(path);
  if (!BY_PARTS.includes(object.kind)) expect(parsed.model).to.equal(null);
  const found = schemas.validate(object);
  switch (note('rejected by')) {
    case 'schema':
      expect(errorPaths(found), describeProblems(found)).to.include(path);
      return;
    case 'cel':
      expect(note('rule'), 'rule').to.not.equal('');
      expect(describeProblems(found)).to.equal('');
      return;
    case 'webhook':
      expect(describeProblems(found)).to.equal('');
      return;
    default:
      expect.fail('does not say who rejects it');
  }
}

/** Messages of all `x-kubernetes-validations` of what users write, in all versions. Those of `status` are proven where it is written: `test/integration/crds/manifests.test.ts`. */
function celMessages(manifest: CustomResourceManifest): Set<string> {
  const messages = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const element of node) visit(element);
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
    for (const [key, value] of Object.entries(node as JsonSchema)) {
      if (key === 'x-kubernetes-validations')
        for (const rule of value as { message: string }[]) messages.add(rule.message);
      else visit(value);
    }
  };
  for (const { schema } of manifest.spec.versions) {
    for (const [name, property] of Object.entries(schema.openAPIV3Schema?.properties ?? {}))
      if (name !== 'status') visit(property);
  }
  return messages;
}
