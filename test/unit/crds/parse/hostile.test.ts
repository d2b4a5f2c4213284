import { expect } from 'chai';
import fc from 'fast-check';
import { reduceEndpointSlice } from '../../../../crds/kinds/endpoint-slice/parse.ts';
import { reduceNamespace } from '../../../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../../../crds/kinds/pod/parse.ts';
import { reduceService } from '../../../../crds/kinds/service/parse.ts';
import { loadSchemas } from '../../../../crds/schema.ts';
import type { Parsed } from '../../../../crds/types/problem.ts';
import { CUSTOM, KEPT_WHOLE, loadCorpus, type ManifestObject, parseByKind } from '../../../golden/corpus.ts';
import { profile } from './objects.ts';

const schemas = loadSchemas();
const corpus = [...loadCorpus('accepted'), ...loadCorpus('rejected')].map(({ object }) => object);

/** Keys and values that mean something to some parser, so that random objects get past the first check. */
const keys = fc.constantFrom(
  ...[
    'spec',
    'metadata',
    'name',
    'namespace',
    'labels',
    'annotations',
    'routes',
    'condition',
    'all',
    'any',
    'not',
    'method',
    'pathRegex',
    'status',
  ],
  ...[
    'min',
    'max',
    'service',
    'backends',
    'weight',
    'port',
    'podSelector',
    'matchLabels',
    'client',
    'meshTLS',
    'identities',
    'networks',
    'cidr',
  ],
  ...['parentRefs', 'rules', 'matches', 'filters', 'backendRefs', 'type', 'value', 'hostnames'],
  ...[
    'proxy',
    'identity',
    'containers',
    'initContainers',
    'env',
    'ports',
    'endpoints',
    'conditions',
    'ownerReferences',
    'podIPs',
    'hints',
  ],
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''],
);
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom(null, 0, -1, 1e308, 'GET', '/a(', '10s', '1e999', '*', true),
    fc.string(),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(keys, tie('value'), { maxKeys: 6 }),
})).value;

/** Through JSON, so that `__proto__` is an own property as in an API server's answer. */
function decoded(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? 'null');
}

function expectSound(object: ManifestObject): void {
  const { model, problems } = parseByKind(object);
  const failed = problems.some(({ severity }) => severity === 'error');
  if (KEPT_WHOLE.includes(object.kind)) expect(model === null).to.equal(failed);
  else expect(model !== null || failed).to.equal(true);
  expect(problems.length).to.be.at.most(101);
  for (const { path, message } of problems) {
    expect(path).to.be.a('string');
    expect(message).to.match(/\S/).and.to.not.match(/\n/);
  }
}

describe('hostile custom resources', () => {
  it('E7 yield problems or a model, never an exception: any JSON value', () => {
    fc.assert(
      fc.property(fc.constantFrom(...CUSTOM), json, (kind, value) => {
        const object = decoded(value) as ManifestObject;
        expectSound({ ...(typeof object === 'object' ? object : {}), kind } as ManifestObject);
      }),
      { numRuns: 2_000 },
    );
  });

  it('E7 yield problems or a model, never an exception: real documents with one value replaced', () => {
    fc.assert(
      fc.property(fc.constantFrom(...corpus), fc.nat(), json, (object, position, value) => {
        const changed = replaceAt(structuredClone(object), position, decoded(value));
        if (CUSTOM.includes((changed as ManifestObject).kind)) expectSound(changed as ManifestObject);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cannot reach prototypes', () => {
    const text =
      '{"__proto__":{"spec":{"routes":[]}},"kind":"ServiceProfile","metadata":{"name":"a","__proto__":{"uid":"x"}},"constructor":{"prototype":{"polluted":1}}}';
    const { model } = parseByKind(JSON.parse(text)) as Parsed<{ meta: { uid: string } }>;
    expect(model!.meta.uid).to.equal('');
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined);
    const { problems } = parseByKind(
      JSON.parse(JSON.stringify(profile({})).replace('"spec":{}', '"spec":{"__proto__":1}')),
    );
    expect(problems.map(({ path }) => path)).to.deep.equal(['spec.__proto__']);
    expect(
      loadSchemas()
        .validate(JSON.parse(text.replace('"kind"', '"apiVersion":"linkerd.io/v1alpha2","kind"')))
        .map(({ path }) => path),
    ).to.include('constructor');
  });

  it('are no objects at all', () => {
    for (const value of [null, undefined, 7, 'text', [], true]) {
      for (const kind of CUSTOM) {
        expectSound(Object.assign(Object.create(null), { kind, metadata: value, spec: value }));
      }
    }
  });

  it('E2 may be nested 100,000 levels deep, anywhere', () => {
    const depth = 100_000;
    const deep: unknown = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    const deepObject: unknown = JSON.parse(`${'{"not":'.repeat(depth)}null${'}'.repeat(depth)}`);
    for (const object of CUSTOM.flatMap((kind) => corpus.find((candidate) => candidate.kind === kind) ?? [])) {
      for (const value of [deep, deepObject]) {
        for (let position = 0; position < 12; position += 1) {
          const changed = replaceAt(structuredClone(object), position, value) as ManifestObject;
          if (typeof changed.kind === 'string') expectSound(changed);
          expect(schemas.validate(changed)).to.be.an('array');
        }
      }
    }
  });

  it('show hostile keys quoted and cut in paths', () => {
    const key = `a\n"${'x'.repeat(500)}`;
    const { problems } = parseByKind(profile({ [key]: 1 }) as ManifestObject);
    expect(problems[0]!.path)
      .to.match(/^spec\["a\\n\\"x{60,80}.*"\]$/)
      .and.to.have.length.below(110);
  });
});

describe('hostile Kubernetes objects', () => {
  it('E7 reduce to models without an exception, whatever they are', () => {
    fc.assert(
      fc.property(json, (value) => {
        const raw = decoded(value);
        expect(reduceService(raw).ports).to.be.an('array');
        expect(reduceEndpointSlice(raw).endpoints).to.be.an('array');
        expect(reducePod(raw).containerPorts).to.be.an('array');
        expect(reduceNamespace(raw).meta.name).to.be.a('string');
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Replaces the value at the `position`-th place (counted round) of a JSON tree. */
function replaceAt(root: unknown, position: number, value: unknown): unknown {
  const places: { parent: Record<string, unknown>; key: string }[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const parent = node as Record<string, unknown>;
    for (const key of Object.keys(parent)) {
      places.push({ parent, key });
      visit(parent[key]);
    }
  };
  visit(root);
  const place = places[position % places.length]!;
  place.parent[place.key] = value;
  return root;
}
