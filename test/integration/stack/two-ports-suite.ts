import { expect } from 'chai';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import { backend, service } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { ok, RawClient, serveHttp } from './peers.ts';
import { CALLERS, type CallerName, PORT_NAMES, type PortName, Referee } from './two-ports.ts';

const ADDRESSES: Readonly<Record<PortName, Address>> = {
  a: { ip: '10.96.0.1', port: 80 },
  b: { ip: '10.96.0.2', port: 80 },
};
const CONNECTIONS = 12;
const RULE_MS = 40;
const RULES_MIN = 30;
/** Of those served and of those denied, each. */
const REQUESTS_MIN = 2000;
const LIMIT_MS = 60_000;

/** One server's proxy, two ports of its pod, a policy for each, and callers whom one port may serve and the other may not. */
export function twoPortsSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    server = await mesh.proxy({ serviceAccount: 'server' });
  });
  afterEach(() => mesh.stop());

  /** The proxy of one caller: connections to its first listener were made to port a, those to its second to port b. */
  async function callersProxy(caller: CallerName, ports: Readonly<Record<PortName, number>>): Promise<TestProxy> {
    const proxy: TestProxy = await mesh.proxy({
      serviceAccount: caller,
      outboundListeners: PORT_NAMES.length,
      originalDestination: {
        of: ({ local }) => (local.port === proxy.addresses.outbound[0]!.port ? ADDRESSES.a : ADDRESSES.b),
      },
    });
    for (const name of PORT_NAMES) {
      const { ip, port } = ADDRESSES[name];
      const backends = [backend(name, 1000)];
      proxy.set(formatKey({ kind: 'service', ip, port }), service({ protocol: 'http1', service: name, backends }));
      proxy.setEndpoints(name, [mesh.meshed(server, ports[name])]);
    }
    return proxy;
  }

  it('no request passes by the policy of the other port, however often the policies change under load', async function () {
    this.timeout(LIMIT_MS);
    let referee: Referee | null = null;
    const serve = async (name: PortName): Promise<number> => {
      const { port } = await serveHttp(mesh, (request) => {
        referee!.arrived(name, request.split(' ', 2)[1]!, /l5d-client-id: (.*)\r\n/.exec(request)?.[1] ?? '');
        return ok(name);
      });
      return port;
    };
    const ports = { a: await serve('a'), b: await serve('b') };
    referee = new Referee(server, ports);
    const askers: Asker[] = [];
    for (const caller of CALLERS) {
      const proxy = await callersProxy(caller, ports);
      for (const [index, port] of PORT_NAMES.entries()) {
        for (let i = 0; i < CONNECTIONS; i++) {
          const asker = new Asker(proxy.addresses.outbound[index]!, referee, caller, port);
          mesh.onStop(() => asker.stop());
          askers.push(asker);
        }
      }
    }
    const { served, denied } = await underChangingRules(referee, askers);
    expect(referee.faults).to.deep.equal([]);
    expect(served, 'served').to.be.greaterThan(REQUESTS_MIN);
    expect(denied, 'denied').to.be.greaterThan(REQUESTS_MIN);
  });
}

async function underChangingRules(referee: Referee, askers: readonly Asker[]): Promise<Referee> {
  const timer = setInterval(() => referee.nextRule(), RULE_MS);
  for (const asker of askers) asker.start();
  const enough = (): boolean =>
    referee.faults.length > 0 ||
    (referee.served > REQUESTS_MIN && referee.denied > REQUESTS_MIN && referee.rulesSoFar > RULES_MIN);
  await until(enough, 'thousands of requests under dozens of rules', LIMIT_MS - 10_000);
  clearInterval(timer);
  return referee;
}

/** Asks again as soon as it is answered, on one connection for as long as it is left open. */
class Asker {
  readonly #address: Address;
  readonly #referee: Referee;
  readonly #caller: CallerName;
  readonly #port: PortName;
  #client: RawClient | null = null;
  #target = '';
  #stopped = false;

  constructor(address: Address, referee: Referee, caller: CallerName, port: PortName) {
    this.#address = address;
    this.#referee = referee;
    this.#caller = caller;
    this.#port = port;
  }

  start(): void {
    const client = new RawClient(this.#address);
    this.#client = client;
    client.socket.on('data', () => this.#heard(client));
    client.socket.on('close', () => {
      if (!this.#stopped) this.start();
    });
    this.#ask(client);
  }

  #ask(client: RawClient): void {
    this.#target = this.#referee.target(this.#port, this.#caller);
    client.text = '';
    client.send(`GET ${this.#target} HTTP/1.1\r\nHost: ${this.#port}\r\n\r\n`);
  }

  #heard(client: RawClient): void {
    const head = client.text.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(client.text)?.[1]);
    if (head === -1 || client.text.length < head + 4 + length) return;
    this.#referee.answered(this.#target, Number(client.text.slice(9, 12)));
    if (/^connection: close\r$/im.test(client.text)) client.close();
    else this.#ask(client);
  }

  stop(): void {
    this.#stopped = true;
    this.#client?.close();
  }
}
