import { expect } from 'chai';
import { parseServer } from '../../../../crds/kinds/server/parse.ts';
import { parseServerAuthorization } from '../../../../crds/kinds/server-authorization/parse.ts';
import { authorization, modelOf, problemsOf, server } from './objects.ts';

describe('Server', () => {
  it('denies what no authorization allows and detects the protocol unless it says otherwise', () => {
    const model = modelOf(parseServer(server({ podSelector: {}, port: 80 })));
    expect(model).to.deep.include({ port: 80, proxyProtocol: 'unknown', accessPolicy: 'deny' });
    expect(model.podSelector).to.deep.equal({ matchLabels: {}, matchExpressions: [] });
  });

  it('takes numbered and named ports', () => {
    expect(modelOf(parseServer(server({ podSelector: {}, port: 'grpc' }))).port).to.equal('grpc');
    expect(modelOf(parseServer(server({ podSelector: {}, port: '8080' }))).port).to.equal(8080);
  });

  it('reads labels without a prototype', () => {
    const spec = JSON.parse('{"podSelector":{"matchLabels":{"app":"web"}},"port":80}');
    const { matchLabels } = modelOf(parseServer(server(spec))).podSelector!;
    expect(matchLabels['app']).to.equal('web');
    expect(matchLabels['constructor']).to.equal(undefined);
  });

  it('reads expressions and checks them as Kubernetes does', () => {
    const matchExpressions = [
      { key: 'app', operator: 'In', values: ['a', 'b'] },
      { key: 'x', operator: 'Exists' },
    ];
    expect(
      modelOf(parseServer(server({ podSelector: { matchExpressions }, port: 80 }))).podSelector!.matchExpressions,
    ).to.deep.equal([
      { key: 'app', operator: 'In', values: ['a', 'b'] },
      { key: 'x', operator: 'Exists', values: [] },
    ]);
    const wrong = [
      { key: '', operator: 'In', values: ['a'] },
      { key: 'a' },
      { key: 'a', operator: 'Like', values: [] },
      { key: 'a', operator: 'In', values: ['two words', 7] },
      { key: 'a', operator: 'NotIn' },
      { key: 'a', operator: 'DoesNotExist', values: ['b'] },
      null,
    ];
    const parsed = parseServer(server({ podSelector: { matchExpressions: wrong }, port: 80 }));
    const at = (rest: string) => `error spec.podSelector.matchExpressions${rest}`;
    expect(problemsOf(parsed)).to.deep.equal(
      [
        at('[0].key'),
        at('[1].operator'),
        at('[2].operator'),
        at('[3].values[0]'),
        at('[3].values[1]'),
        at('[4]'),
        at('[5]'),
        at('[6]'),
      ].sort(),
    );
  });

  it('bounds and checks labels', () => {
    const labels = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`l${i}`, 'x']));
    expect(problemsOf(parseServer(server({ podSelector: { matchLabels: labels }, port: 80 })))).to.deep.equal([
      'error spec.podSelector.matchLabels',
    ]);
    const wrong = { '/a': 'x', ok: '-', 'b c': 'x' };
    expect(problemsOf(parseServer(server({ podSelector: { matchLabels: wrong }, port: 80 })))).to.deep.equal([
      'error spec.podSelector.matchLabels.ok',
      'error spec.podSelector.matchLabels["/a"]',
      'error spec.podSelector.matchLabels["b c"]',
    ]);
  });

  it('recognises selectors of external workloads, and warns that they select nothing', () => {
    const parsed = parseServer(server({ externalWorkloadSelector: { matchLabels: { a: 'b' } }, port: 80 }));
    expect(problemsOf(parsed)).to.deep.equal(['warning spec.externalWorkloadSelector']);
    expect(parsed.model!.podSelector).to.equal(null);
  });

  it('needs exactly one selector, a port, and known words', () => {
    expect(problemsOf(parseServer(server({ port: 80 })))).to.deep.equal(['error spec']);
    expect(problemsOf(parseServer(server({ podSelector: {}, externalWorkloadSelector: {}, port: 80 })))).to.include(
      'error spec',
    );
    expect(
      problemsOf(parseServer(server({ podSelector: {}, proxyProtocol: 'http', accessPolicy: 'none' }))),
    ).to.deep.equal(['error spec.accessPolicy', 'error spec.port', 'error spec.proxyProtocol']);
  });
});

describe('ServerAuthorization', () => {
  const client = (fields: unknown) =>
    parseServerAuthorization(authorization({ server: { name: 's' }, client: fields }));

  it('refers to Servers by name or by labels', () => {
    const parse = (ref: unknown) =>
      parseServerAuthorization(authorization({ server: ref, client: { unauthenticated: true } }));
    expect(modelOf(parse({ name: 's' })).server).to.deep.equal({ name: 's' });
    expect(modelOf(parse({ selector: {} })).server).to.deep.equal({
      selector: { matchLabels: {}, matchExpressions: [] },
    });
    expect(problemsOf(parse({}))).to.deep.equal(['error spec.server']);
    expect(problemsOf(parse({ name: 'S' }))).to.deep.equal(['error spec.server.name']);
  });

  it('authorizes anybody, anybody with TLS, or named clients', () => {
    expect(modelOf(client({ unauthenticated: true })).client).to.deep.equal({ type: 'unauthenticated' });
    expect(modelOf(client({ meshTLS: { unauthenticatedTLS: true } })).client).to.deep.equal({ type: 'tls' });
    const meshTLS = { identities: ['*.x'], serviceAccounts: [{ name: 'a' }, { name: 'b', namespace: 'other' }] };
    expect(modelOf(client({ meshTLS })).client).to.deep.equal({
      type: 'meshTls',
      identities: ['*.x'],
      serviceAccounts: [
        { name: 'a', namespace: 'shop' },
        { name: 'b', namespace: 'other' },
      ],
    });
  });

  it('authorizes nobody when it names nobody, and warns', () => {
    for (const fields of [{}, { unauthenticated: false }, { meshTLS: {} }, { meshTLS: { identities: [] } }]) {
      const parsed = client(fields);
      expect(problemsOf(parsed)).to.deep.equal(['warning spec.client']);
      expect(parsed.model!.client).to.deep.equal({ type: 'meshTls', identities: [], serviceAccounts: [] });
    }
  });

  it('writes networks in their canonical form', () => {
    const networks = [{ cidr: '10.1.2.3/8', except: ['10.9.9.9', '10.1.0.0/16'] }, { cidr: 'FD00::1' }];
    expect(modelOf(client({ unauthenticated: true, networks })).networks).to.deep.equal([
      { cidr: '10.0.0.0/8', except: ['10.9.9.9/32', '10.1.0.0/16'] },
      { cidr: 'fd00::1/128', except: [] },
    ]);
  });

  it('refuses exceptions outside of their network, of the other family, or as large as it', () => {
    const networks = [
      { cidr: '10.1.0.0/16', except: ['10.2.0.0/16', 'fd00::/8', '10.1.0.0/16', '0.0.0.0/0', '10.1.1.0/24'] },
      {},
    ];
    expect(problemsOf(client({ unauthenticated: true, networks }))).to.deep.equal([
      ...[0, 1, 2, 3].map((i) => `error spec.client.networks[0].except[${i}]`),
      'error spec.client.networks[1].cidr',
    ]);
  });

  it('refuses contradictions and names that cannot be', () => {
    expect(problemsOf(client({ unauthenticated: true, meshTLS: {} }))).to.deep.equal(['error spec.client']);
    expect(problemsOf(client({ meshTLS: { unauthenticatedTLS: true, identities: ['*'] } }))).to.deep.equal([
      'error spec.client.meshTLS',
    ]);
    expect(
      problemsOf(
        client({ meshTLS: { identities: ['a..b'], serviceAccounts: [{ name: '' }, { name: 'a', namespace: 'B' }] } }),
      ),
    ).to.deep.equal([
      'error spec.client.meshTLS.identities[0]',
      'error spec.client.meshTLS.serviceAccounts[0].name',
      'error spec.client.meshTLS.serviceAccounts[1].namespace',
    ]);
    expect(problemsOf(parseServerAuthorization(authorization({})))).to.deep.equal([
      'error spec.client',
      'error spec.server',
    ]);
  });
});
