import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { sampleOf } from '../../soak/watch.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from '../../support/models.ts';
import { ProxyProcess } from '../../support/proxy-process.ts';

const MAX_FDS = 256;
/** (256 − the reserve of 128) / 3 / 2 sides */
const ADMITTED = 21;
const CLIENTS = 300;

/** One that keeps what it has heard. */
class Client {
  readonly socket: Socket;
  text = '';
  closed = false;

  constructor(address: string) {
    const [host, port] = address.split(':');
    this.socket = connect({ host: host!, port: Number(port) });
    this.socket.on('data', (chunk) => {
      this.text += String(chunk);
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  ask(): void {
    this.socket.write('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
  }
}

describe('a proxy process that runs short of file descriptors', function () {
  this.timeout(60_000);
  let plane: ControlPlane;
  let application: Server;
  let proxy: ProxyProcess;
  const clients: Client[] = [];

  beforeEach(async () => {
    application = createServer((_, response) => response.end('fine'));
    await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
    const { port } = application.address() as AddressInfo;
    plane = await ControlPlane.start();
    plane.put('Namespace', namespace('app'));
    plane.put('Pod', pod('client-1', '10.1.0.2', { serviceAccount: 'client' }));
    plane.put('Service', service('web', '10.0.0.1', { ports: [servicePort(80, { targetPort: port })] }));
    const ports = [{ name: 'http', port, protocol: 'TCP' as const }];
    plane.put('EndpointSlice', slice('web-abc', 'web', [sliceEndpoint('10.1.0.1')], { ports }));
    const network = {
      outbound: [{ listen: '127.0.0.1:0', destination: '10.0.0.1:80' }],
      addresses: { '10.1.0.1': '127.0.0.1' },
    };
    const identity = { namespace: 'app', serviceAccount: 'client', pod: 'client-1', podIp: '10.1.0.2' };
    proxy = new ProxyProcess({ ...identity, network, maxFds: MAX_FDS }).start(plane);
    await proxy.line('proxy is ready');
  });

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    await proxy.remove();
    application.closeAllConnections();
    application.close();
    await plane.stop();
  });

  it('B14: refuses clients before descriptors run out: the admitted are served, probes are answered, nothing spins', async () => {
    const outbound = await proxy.address('outbound');
    for (let i = 0; i < CLIENTS; i++) clients.push(new Client(outbound));
    await eventually('the refusals', () => clients.filter(({ closed }) => closed).length >= CLIENTS - ADMITTED);
    const admitted = clients.filter(({ closed }) => !closed);
    expect(admitted).to.have.length(ADMITTED);
    for (const client of admitted) client.ask();
    await eventually('their answers', () => admitted.every(({ text }) => text.includes('fine')));
    expect(await proxy.get('/live')).to.include({ status: 200 });
    expect((await proxy.get('/metrics')).text).to.match(/^process_max_fds 256$/m);
    const before = sampleOf(proxy.pid, 0).cpuSeconds;
    await sleep(2000);
    // A runtime that is told again and again of a connection it cannot accept takes all of a core.
    expect(sampleOf(proxy.pid, 0).cpuSeconds - before).to.be.lessThan(0.5);
    admitted[0]!.socket.destroy();
    await eventually('the place of one that left', async () => {
      const next = new Client(outbound);
      clients.push(next);
      next.ask();
      return eventually('an answer', () => next.text.includes('fine') || next.closed).then(() => !next.closed);
    });
  });
});
