import { expect } from 'chai';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { Address, Transport } from '../../../proxy-image/io/transport/types.ts';
import { backend, service } from '../../unit/core/fixtures.ts';
import { until } from '../transport/recorder.ts';
import { TestMesh, type TestProxy } from './mesh.ts';
import { CALLERS, type CallerName, PORT_NAMES, type PortName, Referee } from './two-ports.ts';
import {
  type Asker,
  type AskerOptions,
  Http1Asker,
  Http2Asker,
  serveHttp1Port,
  serveHttp2Port,
} from './two-ports-askers.ts';

const ADDRESSES: Readonly<Record<PortName, Address>> = {
  a: { ip: '10.96.0.1', port: 80 },
  b: { ip: '10.96.0.2', port: 80 },
};
/** Requests at a time of each caller to each port. */
const CONCURRENT = 12;
const RULE_MS = 40;
const RULES_MIN = 30;
/** Of those served and of those denied, each. */
const REQUESTS_MIN = 2000;
const LIMIT_MS = 60_000;

export type Protocol = 'http1' | 'http2';

/** One server's proxy, two ports of its pod, a policy for each, and callers whom one port may serve and the other may not. */
export function twoPortsSuite(
  create: (onFault: (error: unknown) => void) => Transport,
  protocols: readonly Protocol[],
): void {
  let mesh: TestMesh;
  let server: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    server = await mesh.proxy({ serviceAccount: 'server' });
  });
  afterEach(() => mesh.stop());

  /** The proxy of one caller: connections to its first listener were made to port a, those to its second to port b. */
  async function callersProxy(
    caller: CallerName,
    protocol: Protocol,
    ports: Readonly<Record<PortName, number>>,
  ): Promise<TestProxy> {
    const proxy: TestProxy = await mesh.proxy({
      serviceAccount: caller,
      outboundListeners: PORT_NAMES.length,
      originalDestination: {
        of: ({ local }) => (local.port === proxy.outbounds[0]!.port ? ADDRESSES.a : ADDRESSES.b),
      },
    });
    for (const name of PORT_NAMES) {
      const { ip, port } = ADDRESSES[name];
      const backends = [backend(name, 1000)];
      proxy.set(formatKey({ kind: 'service', ip, port }), service({ protocol, service: name, backends }));
      proxy.setEndpoints(name, [{ ...mesh.meshed(server, ports[name]), protocol }]);
    }
    return proxy;
  }

  for (const protocol of protocols) {
    it(`${protocol}: no request passes by the policy of the other port, however often the policies change under load`, async function () {
      this.timeout(LIMIT_MS);
      let referee: Referee | null = null;
      const serve = protocol === 'http1' ? serveHttp1Port : serveHttp2Port;
      const ports = { a: await serve(mesh, 'a', () => referee!), b: await serve(mesh, 'b', () => referee!) };
      referee = new Referee(server, ports);
      const askers: Asker[] = [];
      for (const caller of CALLERS) {
        const proxy = await callersProxy(caller, protocol, ports);
        for (const [index, port] of PORT_NAMES.entries()) {
          askers.push(...askersOf(protocol, { address: proxy.outbounds[index]!, caller, port, referee }));
        }
      }
      for (const asker of askers) mesh.onStop(() => asker.stop());
      await underChangingRules(referee, askers);
      expect(referee.faults).to.deep.equal([]);
      expect(referee.served, 'served').to.be.greaterThan(REQUESTS_MIN);
      expect(referee.denied, 'denied').to.be.greaterThan(REQUESTS_MIN);
    });
  }
}

function askersOf(protocol: Protocol, options: AskerOptions): Asker[] {
  if (protocol === 'http1') return Array.from({ length: CONCURRENT }, () => new Http1Asker(options));
  return [new Http2Asker(options, CONCURRENT)];
}

async function underChangingRules(referee: Referee, askers: readonly Asker[]): Promise<void> {
  const timer = setInterval(() => referee.nextRule(), RULE_MS);
  for (const asker of askers) asker.start();
  const enough = (): boolean =>
    referee.faults.length > 0 ||
    (referee.served > REQUESTS_MIN && referee.denied > REQUESTS_MIN && referee.rulesSoFar > RULES_MIN);
  await until(enough, 'thousands of requests under dozens of rules', LIMIT_MS - 10_000);
  clearInterval(timer);
}
