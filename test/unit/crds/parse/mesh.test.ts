import { expect } from 'chai';
import { DEFAULT_MESH, parseMesh } from '../../../../crds/kinds/mesh/parse.ts';
import { type JsonSchema, loadManifests } from '../../../../crds/manifest.ts';
import { mesh, modelOf, problemsOf } from './objects.ts';

/** What the API server makes of an absent field: the schema's `default`, filled in with those of the fields below it. */
function defaulted(schema: JsonSchema, given: unknown = structuredClone(schema['default'])): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given;
  const result: Record<string, unknown> = { ...given };
  for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>)) {
    const value = defaulted(property, result[name] ?? structuredClone(property['default']));
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function specSchema(): JsonSchema {
  const manifest = loadManifests().find(({ spec }) => spec.names.kind === 'Mesh')!;
  const schema = manifest.spec.versions[0]!.schema.openAPIV3Schema as { properties: { spec: JsonSchema } };
  return schema.properties.spec;
}

describe('Mesh', () => {
  it('has the defaults of its manifest, in the parser as well', () => {
    const spec = defaulted(specSchema());
    expect(spec).to.have.nested.property('identity.issuer.type', 'Managed');
    expect(modelOf(parseMesh(mesh(spec)))).to.deep.include({
      ...DEFAULT_MESH,
      meta: modelOf(parseMesh(mesh(spec))).meta,
    });
    expect({ ...modelOf(parseMesh(mesh({}))), meta: null }).to.deep.equal(DEFAULT_MESH);
    expect({ ...modelOf(parseMesh(mesh(undefined))), meta: null }).to.deep.equal(DEFAULT_MESH);
  });

  it('describes every default where kubectl explain shows it', () => {
    const visit = (schema: JsonSchema, path: string): void => {
      const value = schema['default'];
      if (value !== undefined && !(typeof value === 'object' && !Array.isArray(value))) {
        const shown = value === '' ? 'default' : Array.isArray(value) ? value.join(', ') : String(value);
        expect(schema['description'], path).to.include(shown);
      }
      for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>))
        visit(property, `${path}.${name}`);
    };
    visit(specSchema(), 'spec');
  });

  it('a list of fields to redact that cannot be read means that nobody taps, whatever holds besides', () => {
    const unreadable = [
      { redactHeaders: ['ok', 'not ok'] },
      { redactHeaders: 'x' },
      7,
      { redactHeaders: Array(65).fill('x') },
    ];
    for (const tap of unreadable) {
      const { model, strictest } = parseMesh(mesh({ tap })) as { model: unknown; strictest: typeof DEFAULT_MESH };
      expect(model, JSON.stringify(tap)).to.equal(null);
      expect(strictest.tap, JSON.stringify(tap)).to.deep.equal({ redactHeaders: null });
    }
  });

  it('takes numbers and texts for rotations, and neither anchor nor issuer where somebody else keeps them', () => {
    const rotation = (identity: object) => parseMesh(mesh({ identity }));
    const read = modelOf(rotation({ rotation: { anchor: 3, leaf: '2026-11-30T10:00:00Z' } }));
    expect(read.identity.rotation).to.deep.equal({ anchor: '3', issuer: '', leaf: '2026-11-30T10:00:00Z' });
    for (const wrong of ['a b', 'x'.repeat(65), 1.5, true])
      expect(rotation({ rotation: { issuer: wrong } }).model, String(wrong)).to.equal(null);
    const issuer = { type: 'Secret' };
    expect(rotation({ issuer, rotation: { anchor: '1' } }).model).to.equal(null);
    expect(rotation({ issuer, rotation: { leaf: '1' } }).model).not.to.equal(null);
  });

  it('reads every setting', () => {
    const model = modelOf(
      parseMesh(
        mesh({
          clusterDomain: 'k8s.example.org',
          clusterNetworks: ['10.1.2.3/8'],
          identity: {
            suffix: 'a.b',
            issuer: { type: 'Secret', secretName: 'x' },
            certificateLifetime: '1h',
            issuerLifetime: '2h',
            anchorLifetime: '3h',
            trustAnchors: { configMap: { name: 'roots' } },
            rotation: { leaf: 'x' },
            required: true,
          },
          configuration: { source: 'kubernetes' },
          proxy: {
            image: 'example.org/p:1',
            imagePullPolicy: 'Never',
            resources: { requests: { cpu: '100m', memory: 1000 }, limits: { cpu: 2 } },
            logLevel: 'debug',
            defaultInboundPolicy: 'deny',
            opaquePorts: '',
            skipInboundPorts: '22',
            skipOutboundPorts: '1-3',
            skipSubnets: '10.0.0.0/8, fd00::/8',
            detectTimeout: '1s',
            maxHeadBytes: 100_000,
            nativeSidecar: false,
            accessLog: 'json',
            balancer: { defaultRtt: '50ms' },
          },
          injection: { failurePolicy: 'Fail' },
          validation: { failurePolicy: 'Fail' },
          tap: { redactHeaders: ['X-Key'] },
        }),
      ),
    );
    expect({ ...model, meta: null }).to.deep.equal({
      meta: null,
      clusterDomain: 'k8s.example.org',
      clusterNetworks: ['10.0.0.0/8'],
      identity: {
        suffix: 'a.b',
        issuer: { type: 'Secret', name: 'x' },
        certificateLifetimeMs: 3.6e6,
        issuerLifetimeMs: 7.2e6,
        anchorLifetimeMs: 1.08e7,
        trustAnchors: { name: 'roots', key: 'ca-bundle.crt' },
        rotation: { anchor: '', issuer: '', leaf: 'x' },
        required: true,
      },
      configurationSource: 'kubernetes',
      proxy: {
        image: 'example.org/p:1',
        imagePullPolicy: 'Never',
        resources: { cpuRequest: '100m', cpuLimit: '2', memoryRequest: '1000', memoryLimit: '' },
        logLevel: 'debug',
        defaultInboundPolicy: 'deny',
        opaquePorts: '',
        skipInboundPorts: '22',
        skipOutboundPorts: '1-3',
        skipSubnets: '10.0.0.0/8,fd00::/8',
        detectTimeoutMs: 1_000,
        maxHeadBytes: 100_000,
        nativeSidecar: false,
        accessLog: 'json',
        balancer: { type: 'ewma', defaultRttMs: 50, decayMs: 10_000 },
      },
      injection: { failurePolicy: 'Fail' },
      validation: { failurePolicy: 'Fail' },
      tap: { redactHeaders: ['x-key'] },
    });
  });

  it('takes the Secret that cert-manager users of Linkerd have when none is named', () => {
    expect(modelOf(parseMesh(mesh({ identity: { issuer: { type: 'Secret' } } }))).identity.issuer).to.deep.equal({
      type: 'Secret',
      name: 'linkerd-identity-issuer',
    });
    expect(modelOf(parseMesh(mesh({ proxy: { balancer: { type: 'roundRobin' } } }))).proxy.balancer).to.deep.equal({
      type: 'roundRobin',
    });
  });

  it('is one per cluster', () => {
    expect(problemsOf(parseMesh({ metadata: { name: 'other' } }))).to.deep.equal(['error metadata.name']);
  });

  it('names every wrong setting', () => {
    const parsed = parseMesh(
      mesh({
        clusterDomain: 'A',
        clusterNetworks: ['x', 5],
        identity: {
          suffix: 'A',
          issuer: { secretName: 'x' },
          certificateLifetime: '1s',
          issuerLifetime: '9s',
          anchorLifetime: 'x',
        },
        configuration: { source: 'file' },
        proxy: {
          image: 'a b',
          imagePullPolicy: 'Sometimes',
          resources: { requests: { cpu: '-1', memory: 'x' }, limits: { gpu: 1 } },
          opaquePorts: 'x',
          skipSubnets: '10.0.0.0/99',
          detectTimeout: '0s',
          balancer: { type: 'random', decay: '-1s' },
        },
        injection: { failurePolicy: 'x' },
        telemetry: {},
      }),
    );
    const paths = [
      'clusterDomain',
      'clusterNetworks[0]',
      'clusterNetworks[1]',
      'configuration.source',
      'identity.anchorLifetime',
      'identity.certificateLifetime',
      'identity.issuer',
      'identity.issuerLifetime',
      'identity.suffix',
      'injection.failurePolicy',
      'proxy.balancer.decay',
      'proxy.balancer.type',
      'proxy.detectTimeout',
      'proxy.image',
      'proxy.imagePullPolicy',
      'proxy.opaquePorts',
      'proxy.resources.limits.gpu',
      'proxy.resources.requests.cpu',
      'proxy.resources.requests.memory',
      'proxy.skipSubnets',
      'telemetry',
    ];
    expect(problemsOf(parsed)).to.deep.equal(paths.map((path) => `error spec.${path}`));
    expect(
      problemsOf(
        parseMesh(
          mesh({ identity: { certificateLifetime: '9000h', issuerLifetime: '8000h', anchorLifetime: '7000h' } }),
        ),
      ),
    ).to.deep.equal(['error spec.identity', 'error spec.identity']);
    expect(problemsOf(parseMesh(mesh({ identity: { issuer: { type: 'Secret', secretName: 'A' } } })))).to.deep.equal([
      'error spec.identity.issuer.secretName',
    ]);
  });
});
