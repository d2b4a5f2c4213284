import { expect } from 'chai';
import { readRunConfig } from '../../../proxy-image/config/config.ts';
import { compileRaw, proxyWith, type Raw, request } from '../../support/inbound.ts';
import { environmentOf, injected, meshWith, webPod } from '../../support/pods.ts';

const TIMES = { timeoutSeconds: 3, periodSeconds: 7, failureThreshold: 2, initialDelaySeconds: 1 };
const app = (more: Raw): Raw => ({ name: 'app', image: 'a', ports: [{ name: 'tls', containerPort: 8443 }], ...more });
const asked = (path: string, port = 4191) => ({ httpGet: { path: `/app-probe/${path}`, port, scheme: 'HTTP' } });

/** What becomes of these containers, and what their proxy is told. */
function inject(containers: Raw[], more: { annotations?: Record<string, string>; initContainers?: Raw[] } = {}) {
  const { annotations = {}, initContainers } = more;
  const spec = { containers, ...(initContainers === undefined ? {} : { initContainers }) };
  const { pod, proxy } = injected({ pod: webPod({ metadata: { annotations }, spec }) });
  const all = [...pod.spec.containers, ...pod.spec.initContainers] as unknown as Raw[];
  return {
    named: (name: string) => all.find((container) => container['name'] === name)!,
    told: readRunConfig(environmentOf(proxy)).relayedProbes,
    pod: pod as unknown as { spec: Raw },
  };
}

describe('injection of probes', () => {
  it('HTTPS and TCP probes become probes of the admin port that keep their times, and the proxy is told what they stand for', () => {
    const headers = [{ name: 'X-Probe', value: 'a$(b)' }];
    const { named, told } = inject([
      app({
        livenessProbe: {
          httpGet: { path: '/health check?full', port: 'tls', scheme: 'HTTPS', httpHeaders: headers },
          ...TIMES,
        },
        readinessProbe: { tcpSocket: { port: 5432 }, ...TIMES },
        startupProbe: { tcpSocket: { port: 'tls' } },
      }),
    ]);
    expect(named('app')['livenessProbe']).to.deep.equal({ ...TIMES, ...asked('app/livenessProbe') });
    expect(named('app')['readinessProbe']).to.deep.equal({ ...TIMES, ...asked('app/readinessProbe') });
    const common = { headers: [], target: '', timeoutMs: 3_000, isHook: false };
    expect(told).to.deep.equal([
      {
        path: '/app-probe/app/livenessProbe',
        type: 'https',
        port: 8443,
        target: '/health%20check?full',
        headers: [['X-Probe', 'a$(b)']],
        timeoutMs: 3_000,
        isHook: false,
      },
      { ...common, path: '/app-probe/app/readinessProbe', type: 'tcp', port: 5432 },
      { ...common, path: '/app-probe/app/startupProbe', type: 'tcp', port: 8443, timeoutMs: 1_000 },
    ]);
  });

  it('the environment has no dollar sign, which the kubelet would replace', () => {
    const probe = { httpGet: { path: '/$(POD)', port: 1, scheme: 'HTTPS' } };
    const { proxy } = injected({ pod: webPod({ spec: { containers: [app({ livenessProbe: probe })] } }) });
    expect(environmentOf(proxy)['WEFT_PROXY_RELAYED_PROBES']).to.be.a('string').and.not.to.contain('$');
    expect(readRunConfig(environmentOf(proxy)).relayedProbes[0]!.target).to.equal('/$(POD)');
  });

  it('each container and native sidecar has its own, wherever the proxy is put', () => {
    const probe = { livenessProbe: { tcpSocket: { port: 80 } } };
    const containers = [app(probe), { ...app(probe), name: 'second' }];
    const initContainers = [
      { name: 'setup', image: 'a' },
      { name: 'cache', image: 'a', restartPolicy: 'Always', ...probe },
    ];
    for (const nativeSidecar of [true, false]) {
      const pod = webPod({ spec: { containers, initContainers } });
      const result = injected({ pod, mesh: meshWith({ nativeSidecar }) });
      const all = [...result.pod.spec.containers, ...result.pod.spec.initContainers];
      for (const name of ['app', 'second', 'cache']) {
        const { livenessProbe } = all.find((container) => container.name === name)!;
        expect(livenessProbe, name).to.deep.equal(asked(`${name}/livenessProbe`));
      }
      expect(result.proxy.livenessProbe?.httpGet.path).to.equal('/live');
    }
  });

  it('HTTPS hooks are the proxy’s too; what else a lifecycle says stays', () => {
    const httpGet = { path: '/bye', port: 8443, scheme: 'HTTPS' };
    const { named, told } = inject([
      app({ lifecycle: { preStop: { httpGet }, postStart: { exec: { command: ['x'] } } } }),
    ]);
    expect(named('app')['lifecycle']).to.deep.equal({
      preStop: asked('app/preStop'),
      postStart: { exec: { command: ['x'] } },
    });
    expect(told.map(({ path, timeoutMs, isHook }) => [path, timeoutMs, isHook])).to.deep.equal([
      ['/app-probe/app/preStop', 30_000, true],
    ]);
  });

  it('HTTP probes of opaque ports are the proxy’s too, for it looks into nothing there', () => {
    const annotations = { 'config.linkerd.io/opaque-ports': '9000,tls' };
    const probes = {
      livenessProbe: { httpGet: { path: '/a', port: 9000 } },
      startupProbe: { httpGet: { path: '/b', port: 80 } },
    };
    const { named, told } = inject([app(probes)], { annotations });
    expect(named('app')['livenessProbe']).to.deep.equal(asked('app/livenessProbe'));
    expect(named('app')['startupProbe']).to.deep.equal(probes.startupProbe);
    expect(told.map(({ type, port, target }) => [type, port, target])).to.deep.equal([['http', 9000, '/a']]);
  });

  it('follows a moved admin port', () => {
    const annotations = { 'config.linkerd.io/admin-port': '5191' };
    const { named } = inject([app({ livenessProbe: { tcpSocket: { port: 80 } } })], { annotations });
    expect(named('app')['livenessProbe']).to.deep.equal(asked('app/livenessProbe', 5191));
  });

  it('what the proxy lets through, what goes elsewhere, and what bypasses the proxy stays as it is', () => {
    const probes: Raw[] = [
      { httpGet: { path: '/', port: 80 } },
      { httpGet: { path: '/', port: 80, scheme: 'HTTP' } },
      { grpc: { port: 80 } },
      { exec: { command: ['x'] } },
      { tcpSocket: { port: 80, host: '10.0.0.1' } },
      { httpGet: { path: '/', port: 80, scheme: 'HTTPS', host: 'example.com' } },
      { tcpSocket: { port: 4567 } },
      { tcpSocket: { port: 'absent' } },
    ];
    const containers = probes.map((livenessProbe, index) => ({ name: `c${index}`, image: 'a', livenessProbe }));
    const { named, told } = inject(containers);
    for (const [index, probe] of probes.entries()) expect(named(`c${index}`)['livenessProbe']).to.deep.equal(probe);
    expect(told).to.deep.equal([]);
  });

  it('everything stays as it is where an annotation says so, or where the proxy is of another version', () => {
    const livenessProbe = { tcpSocket: { port: 80 } };
    const reasons: Record<string, string>[] = [
      { 'config.weft.dev/relay-probes': 'disabled' },
      { 'config.linkerd.io/proxy-version': 'v1.0.0' },
    ];
    for (const annotations of reasons) {
      const { named, told } = inject([app({ livenessProbe })], { annotations });
      expect(named('app')['livenessProbe'], JSON.stringify(annotations)).to.deep.equal(livenessProbe);
      expect(told).to.deep.equal([]);
    }
  });

  it('a Server on the admin port lets them through, and nothing else', () => {
    const { pod } = inject([app({ livenessProbe: { tcpSocket: { port: 80 } } })]);
    const state = proxyWith(compileRaw({ pod: pod.spec, servers: [{ podSelector: {}, port: 'linkerd-admin' }] }));
    expect(request(state, 4191, 'GET', '/app-probe/app/livenessProbe').reason).to.equal('probe');
    expect(request(state, 4191, 'GET', '/app-probe/app/startupProbe').allowed).to.equal(false);
    expect(request(state, 4191, 'GET', '/metrics').allowed).to.equal(false);
  });
});
