import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from '../../support/models.ts';
import { ProxyProcess, type ProxyProcessOptions } from '../../support/proxy-process.ts';

/** The mesh port is the same in every pod: a loopback address of this run for the one that is called. */
const SERVER_HOST = `127.${66 + (process.pid % 60)}.${(process.pid >> 6) % 256}.13`;
const DAY_MS = 86_400_000;
/** Long enough for two proxies to start and to be asked. */
const ISSUER_LIFE_MS = 9_000;

/** What docs/failure.md says of an issuer that ends because nobody has renewed it. */
describe('proxies on Bun whose issuer, kept by somebody else, ends', function () {
  this.timeout(60_000);
  let plane: ControlPlane;
  let application: Server;
  const proxies: ProxyProcess[] = [];
  const anchor = createAnchor('theirs.test', DAY_MS, Date.now());
  let endMs = 0;

  before(async () => {
    plane = await ControlPlane.start();
    application = createServer((incoming, response) => response.end(String(incoming.headers['l5d-client-id'] ?? '')));
    await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
    const { port } = application.address() as AddressInfo;
    plane.put('Namespace', namespace('app'));
    for (const [name, ip] of [
      ['web', '10.1.0.1'],
      ['client', '10.1.0.2'],
      ['late', '10.1.0.3'],
    ] as const) {
      plane.put('Pod', pod(`${name}-1`, ip, { serviceAccount: name }));
    }
    plane.put('Service', service('web', '10.0.0.1', { ports: [servicePort(80, { targetPort: port })] }));
    const ports = [{ name: 'http', port, protocol: 'TCP' as const }];
    plane.put('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.1', { targetPod: 'web-1' })], { ports }));
    endMs = Date.now() + ISSUER_LIFE_MS;
    await plane.useIssuer(createIssuer(anchor, 'issuer.test', ISSUER_LIFE_MS, Date.now()));
    await start({ serviceAccount: 'web', pod: 'web-1', podIp: '10.1.0.1' }).line('proxy is ready');
    await start({ serviceAccount: 'client', pod: 'client-1', podIp: '10.1.0.2' }).line('proxy is ready');
  });

  after(async () => {
    for (const proxy of proxies) await proxy.remove();
    application.close();
    await plane.stop();
  });

  function start(options: Pick<ProxyProcessOptions, 'serviceAccount' | 'pod' | 'podIp'>): ProxyProcess {
    const isServer = options.pod === 'web-1';
    const proxy = new ProxyProcess({
      namespace: 'app',
      network: {
        outbound: isServer ? [] : [{ listen: '127.0.0.1:0', destination: '10.0.0.1:80' }],
        addresses: { '10.1.0.1': SERVER_HOST },
      },
      environment: isServer ? { inboundListen: `${SERVER_HOST}:${PROXY_PORTS.inboundMesh}` } : {},
      ...options,
    });
    proxies.push(proxy);
    return proxy.start(plane);
  }

  it('go on to its end with what they have', async () => {
    expect((await proxies[1]!.ask()).status).to.equal(200);
    expect(Date.now()).to.be.lessThan(endMs);
  });

  it('refuse each other from then on, never in plaintext; a new proxy is not ready', async () => {
    const late = start({ serviceAccount: 'late', pod: 'late-1', podIp: '10.1.0.3' });
    await eventually('the end of the issuer', () => Date.now() > endMs + 1_000, ISSUER_LIFE_MS + 5_000);
    await late.kill();
    late.start(plane);
    await late.line('no new certificate');
    const answer = await proxies[1]!.ask();
    expect(answer.status).to.equal(502);
    expect(late.lines.some(({ message }) => message === 'proxy is ready')).to.equal(false);
  });

  it('are back by themselves when the Secret has an issuer that lives, without a restart', async () => {
    await plane.useIssuer(createIssuer(anchor, 'issuer.test', DAY_MS, Date.now()));
    const answer = await eventually(
      'an answer',
      async () => {
        const asked = await proxies[1]!.ask();
        return asked.status === 200 ? asked : null;
      },
      40_000,
    );
    expect(answer.text).to.contain('client.app.serviceaccount.identity');
    await proxies[2]!.line('proxy is ready', 40_000);
    expect(proxies.slice(0, 2).map(({ exitCode }) => exitCode)).to.deep.equal([null, null]);
  });
});
