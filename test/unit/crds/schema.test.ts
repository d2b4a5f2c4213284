import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadManifests, MANIFEST_DIRECTORY } from '../../../crds/manifest.ts';
import { LIMITS } from '../../../crds/parse/limits.ts';
import { loadSchemas } from '../../../crds/schema.ts';
import {
  ACCESS_POLICIES,
  DEFAULT_CLUSTER_NETWORKS,
  DEFAULT_INBOUND_POLICY,
} from '../../../proxy-image/contract/access-policy.ts';
import { mesh, profile, server, split } from './parse/objects.ts';

describe('schemas of the manifests', () => {
  const schemas = loadSchemas();
  const problems = (raw: unknown) => schemas.validate(raw).map(({ path, message }) => `${path} ${message}`);

  it('name missing, unknown and wrong fields by their path', () => {
    expect(
      problems(
        profile({ routes: [{ name: 'a', condition: { methd: 'GET' } }, { condition: { method: 'GET' } }] }),
      ).sort(),
    ).to.deep.equal(['spec.routes[0].condition.methd is not a known field', 'spec.routes[1].name is required']);
    expect(problems(server({ podSelector: {}, port: 80, accessPolicy: 'x' }))[0]).to.match(
      /^spec\.accessPolicy must be one of all-authenticated, /,
    );
  });

  it('take integers and text where the manifest says int-or-string, and nothing else', () => {
    const weight = (value: unknown) => problems(split({ service: 'a', backends: [{ service: 'b', weight: value }] }));
    for (const value of [5, '500m', 0]) expect(weight(value)).to.deep.equal([]);
    for (const value of [0.5, true, null, {}, []]) expect(weight(value), String(value)).to.have.length(1);
  });

  it('take anything where unknown fields are kept', () => {
    expect(
      problems(profile({ routes: [{ name: 'a', condition: { not: [{ any: 1 }], all: [{ x: { y: 1 } }] } }] })),
    ).to.deep.equal([]);
  });

  it('check the metadata that the API server checks', () => {
    expect(
      problems({ ...(mesh({}) as object), metadata: { name: 'A b', labels: { a: 1 } } }).map(
        (text) => text.split(' ')[0],
      ),
    ).to.have.members(['metadata.name', 'metadata.labels.a']);
    expect(problems({ apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh' })).to.deep.equal(['metadata is required']);
  });

  it('know only the groups, versions and kinds of the manifests', () => {
    for (const raw of [
      null,
      7,
      {},
      { apiVersion: 'linkerd.io/v9', kind: 'ServiceProfile' },
      { apiVersion: 'v1', kind: 'Pod' },
    ]) {
      expect(schemas.validate(raw)).to.have.length(1);
    }
  });

  it('check what the operator writes as status', () => {
    const status = { observedGeneration: 1, routes: 2, proxies: '1/2', conditions: [] };
    expect(problems({ ...(profile({}) as object), status })).to.deep.equal([]);
    const condition = { type: 'Ready', status: 'Maybe', reason: '', message: '', lastTransitionTime: 'today' };
    expect(
      problems({ ...(profile({}) as object), status: { conditions: [condition] } }).map((text) => text.split(' ')[0]),
    ).to.have.members([
      'status.conditions[0].status',
      'status.conditions[0].reason',
      'status.conditions[0].lastTransitionTime',
    ]);
  });

  it('are read from the folder that is named', () => {
    const directory = mkdtempSync(join(tmpdir(), 'weft-schemas-'));
    try {
      expect(loadSchemas(directory).validate(mesh({}))).to.have.length(1);
      writeFileSync(join(directory, 'mesh.yaml'), readFileSync(join(MANIFEST_DIRECTORY, 'mesh', 'manifest.yaml')));
      writeFileSync(join(directory, 'README.md'), 'not a manifest');
      expect(loadSchemas(directory).validate(mesh({}))).to.deep.equal([]);
      expect(loadSchemas(directory).validate(server({}))).to.have.length(1);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('manifests', () => {
  const manifests = loadManifests();

  /** The schema's keyword at a path of property names; `[]` steps into the items of a list. */
  function keyword(kind: string, path: string, name: string): unknown {
    const manifest = manifests.find(({ spec }) => spec.names.kind === kind)!;
    let node = manifest.spec.versions[0]!.schema.openAPIV3Schema as Record<string, unknown>;
    for (const step of path.split('.')) {
      node = (node['properties'] as Record<string, Record<string, unknown>>)[step.replace('[]', '')]!;
      if (step.endsWith('[]')) node = node['items'] as Record<string, unknown>;
    }
    return node[name];
  }

  /** Of the Gateway API's form: each controller has entries of its own. */
  function sharedStatus(kind: string): boolean {
    return Object.hasOwn(keyword(kind, 'status', 'properties') as object, 'parents');
  }

  it('bound lists where the parser does', () => {
    const profile = (path: string) => keyword('ServiceProfile', path, 'maxItems');
    expect(profile('spec.routes')).to.equal(LIMITS.routes);
    expect(profile('spec.routes[].condition.all')).to.equal(LIMITS.matchChildren);
    expect(profile('spec.routes[].responseClasses')).to.equal(LIMITS.responseClasses);
    expect(profile('spec.dstOverrides')).to.equal(LIMITS.dstOverrides);
    expect(profile('spec.opaquePorts')).to.equal(LIMITS.opaquePorts);
    expect(keyword('ServiceProfile', 'spec.routes[].name', 'maxLength')).to.equal(LIMITS.routeName);
    expect(keyword('TrafficSplit', 'spec.backends', 'maxItems')).to.equal(LIMITS.backends);
    expect(keyword('TrafficSplit', 'spec.matches', 'maxItems')).to.equal(LIMITS.trafficMatches);
    expect(keyword('Server', 'spec.podSelector.matchLabels', 'maxProperties')).to.equal(LIMITS.matchLabels);
    expect(keyword('Server', 'spec.podSelector.matchExpressions', 'maxItems')).to.equal(LIMITS.matchExpressions);
    expect(keyword('Server', 'spec.podSelector.matchExpressions[].values', 'maxItems')).to.equal(LIMITS.selectorValues);
    const authorization = (path: string) => keyword('ServerAuthorization', path, 'maxItems');
    expect(authorization('spec.client.networks')).to.equal(LIMITS.networks);
    expect(authorization('spec.client.networks[].except')).to.equal(LIMITS.exceptions);
    expect(authorization('spec.client.meshTLS.identities')).to.equal(LIMITS.identities);
    expect(authorization('spec.client.meshTLS.serviceAccounts')).to.equal(LIMITS.serviceAccounts);
    expect(keyword('Mesh', 'spec.clusterNetworks', 'maxItems')).to.equal(LIMITS.clusterNetworks);
  });

  it('know the access policies and the default that operator and proxy know', () => {
    expect(keyword('Server', 'spec.accessPolicy', 'enum')).to.deep.equal([...ACCESS_POLICIES]);
    expect(keyword('Mesh', 'spec.proxy.defaultInboundPolicy', 'enum')).to.deep.equal([...ACCESS_POLICIES]);
    expect(keyword('Mesh', 'spec.proxy.defaultInboundPolicy', 'default')).to.equal(DEFAULT_INBOUND_POLICY);
    expect(keyword('Mesh', 'spec.clusterNetworks', 'default')).to.deep.equal([...DEFAULT_CLUSTER_NETWORKS]);
  });

  it('have one stored version, the same schema in all, and a status that starts unobserved', () => {
    for (const { metadata, spec } of manifests) {
      expect(
        spec.versions.filter(({ storage }) => storage),
        metadata.name,
      ).to.have.length(1);
      for (const { schema, served } of spec.versions) {
        expect(served).to.equal(true);
        expect(schema).to.deep.equal(spec.versions[0]!.schema);
      }
      const { kind } = spec.names;
      const unobserved = sharedStatus(kind) ? { parents: [] } : { observedGeneration: -1 };
      expect(keyword(kind, 'status', 'default')).to.deep.equal(unobserved);
      if (sharedStatus(kind)) continue;
      // Of a status that somebody has emptied, kstatus would take either gap for health.
      expect(keyword(kind, 'status.observedGeneration', 'default')).to.equal(-1);
      const [condition] = keyword(kind, 'status.conditions', 'default') as { type: string; status: string }[];
      expect(condition, kind).to.include({ type: 'Ready', status: 'Unknown' });
    }
  });

  it('bound every list and every text of a spec, and say how lists merge', () => {
    const visit = (node: Record<string, unknown>, path: string): void => {
      if (node['type'] === 'array') {
        expect(node['maxItems'], path).to.be.a('number');
        expect(node['x-kubernetes-list-type'], path).to.be.a('string');
        visit(node['items'] as Record<string, unknown>, `${path}[]`);
      }
      const text = node['type'] === 'string' && node['enum'] === undefined;
      if (text || node['x-kubernetes-int-or-string'] === true) expect(node['maxLength'], path).to.be.a('number');
      for (const [name, child] of Object.entries((node['properties'] ?? {}) as Record<string, Record<string, unknown>>))
        visit(child, `${path}.${name}`);
    };
    for (const { spec } of manifests) {
      const { properties } = spec.versions[0]!.schema.openAPIV3Schema as {
        properties: { spec: Record<string, unknown> };
      };
      visit(properties.spec, spec.names.kind);
    }
  });

  it('have no category that is also the name of a kind: kubectl would take `get mesh default` for a list of several kinds', () => {
    const names = manifests.flatMap(({ spec: { names: n } }) => [n.plural, n.singular, ...(n.shortNames ?? [])]);
    for (const { spec } of manifests) {
      expect(spec.names.categories).to.deep.equal(['weft']);
      for (const category of spec.names.categories ?? []) expect(names).to.not.include(category);
    }
  });

  it('stay below the size that client-side apply can keep in an annotation', () => {
    for (const manifest of manifests) expect(JSON.stringify(manifest).length).to.be.below(262_144 / 2);
  });
});
