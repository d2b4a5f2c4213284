import { expect } from 'chai';
import { compileRaw, injected, meshed, proxyWith, type Raw, request } from '../../support/inbound.ts';

const CHECK = '/grpc.health.v1.Health/Check';

/** A proxy of a pod that denies everything, whose containers are these. */
function denying(...containers: Raw[]) {
  const podAnnotations = { 'config.linkerd.io/default-inbound-policy': 'deny' };
  return proxyWith(compileRaw({ pod: injected(...containers), podAnnotations }));
}

const web = (more: Raw): Raw => ({ name: 'web', ports: [{ name: 'http', containerPort: 8080 }], ...more });
const httpGet = (path: string, more: Raw = {}): Raw => ({ httpGet: { path, port: 'http', ...more } });

describe('raw objects to decision: probes under deny', () => {
  const sent: [path: string, target: string][] = [
    ['/healthz', '/healthz'],
    ['/health?full=1', '/health?full=1'],
    ['/a%20b', '/a%20b'],
    ['/a b', '/a%20b'],
    ['healthz', '/healthz'],
    ['/live?a=b#frag', '/live?a=b'],
    ['/✓', '/%E2%9C%93'],
    ['?full=1', '/?full=1'],
  ];
  for (const [path, target] of sent) {
    it(`${path} is let through as ${target}, and as nothing else`, () => {
      const state = denying(web({ readinessProbe: httpGet(path) }));
      expect(request(state, 8080, 'GET', target).reason).to.equal('probe');
      for (const other of [`${target}x`, `${target}?`, `${target}/`, '/', '/admin', target.toUpperCase()]) {
        if (other === target) continue;
        expect(request(state, 8080, 'GET', other).allowed, other).to.equal(false);
      }
      expect(request(state, 8081, 'GET', target).allowed).to.equal(false);
      expect(request(state, 8080, 'POST', target).allowed).to.equal(false);
    });
  }

  it('each kind of probe and hook is let through, of every container that runs on', () => {
    const kinds = ['livenessProbe', 'readinessProbe', 'startupProbe'];
    const probes = Object.fromEntries(kinds.map((kind) => [kind, httpGet(`/${kind}`)]));
    const lifecycle = { postStart: httpGet('/postStart'), preStop: httpGet('/preStop') };
    const state = denying(web({ ...probes, lifecycle }), {
      name: 'second',
      ports: [{ name: 'http', containerPort: 9090 }],
      livenessProbe: httpGet('/second'),
    });
    for (const kind of [...kinds, 'postStart', 'preStop']) {
      expect(request(state, 8080, 'GET', `/${kind}`).reason, kind).to.equal('probe');
    }
    expect(request(state, 9090, 'GET', '/second').reason).to.equal('probe');
    expect(request(state, 8080, 'GET', '/second').allowed).to.equal(false);
  });

  it('a probe of another host, or inside TLS, opens nothing', () => {
    for (const more of [{ host: '10.0.0.1' }, { scheme: 'HTTPS' }]) {
      const state = denying(web({ livenessProbe: httpGet('/live', more) }));
      expect(request(state, 8080, 'GET', '/live').allowed).to.equal(false);
    }
  });

  it('a gRPC probe opens the health check on its port, with or without a Server, and no other method', () => {
    const container = web({ readinessProbe: { grpc: { port: 9000, service: 'shop' } } });
    for (const servers of [[], [{ podSelector: {}, port: 9000, proxyProtocol: 'gRPC' }]]) {
      const podAnnotations = { 'config.linkerd.io/default-inbound-policy': 'deny' };
      const state = proxyWith(compileRaw({ pod: injected(container), podAnnotations, servers }));
      const call = (target: string, port = 9000) => request(state, port, 'POST', target, { isGrpc: true });
      expect(call(CHECK).reason).to.equal('probe');
      expect(call('/grpc.health.v1.Health/Watch').allowed).to.equal(false);
      expect(call('/shop.Cart/Add').allowed).to.equal(false);
      expect(call(CHECK, 8080).allowed).to.equal(false);
      expect(request(state, 9000, 'GET', CHECK).allowed).to.equal(false);
      expect(request(state, 9000, 'POST', CHECK).allowed).to.equal(false);
    }
  });

  it('a body of an operator that knows no gRPC probes opens none', () => {
    const body = compileRaw({ pod: injected(web({ readinessProbe: { grpc: { port: 9000 } } })) });
    for (const policy of Object.values(body.ports)) {
      Reflect.deleteProperty(policy, 'grpcProbe');
      policy.authorizations = [];
    }
    const state = proxyWith(body);
    expect(request(state, 9000, 'POST', CHECK, { isGrpc: true }).reason).to.equal('no_authorizations');
  });

  it('who is authorized keeps its own label on a probe’s path', () => {
    const podAnnotations = { 'config.linkerd.io/default-inbound-policy': 'all-authenticated' };
    const state = proxyWith(compileRaw({ pod: injected(web({ livenessProbe: httpGet('/live?a') })), podAnnotations }));
    expect(request(state, 8080, 'GET', '/live?a').reason).to.equal('probe');
    expect(request(state, 8080, 'GET', '/live?a', { peer: meshed() }).reason).to.equal('authorized');
  });
});
