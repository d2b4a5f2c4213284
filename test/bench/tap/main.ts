/**
 * What tap costs the traffic that it shows: node test/bench/tap/main.ts [--rounds 6] [--seconds 5] [--rate 1000] [--max-rps 100]
 *
 * A pair of bundled proxies on Bun with mutual TLS between them, on loopback, carries requests at a fixed rate without coordinated omission. In turns nobody listens,
 * and somebody listens to both proxies, each of which tells of so many requests a second. Latencies are medians over the rounds of each kind; memory is the anonymous memory of the client's proxy before its control
 * port was first connected to, and at the end.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { ProxyStream } from '../../../operator/viz/tap/proxy-stream.ts';
import { serviceAccountIdentity } from '../../../proxy-image/contract/names.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import { TAP_VERB, type TapQuestion } from '../../../proxy-image/contract/tap/question.ts';
import { ControlPlane, SUFFIX } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { namespace, pod, service, servicePort, slice, sliceEndpoint } from '../../support/models.ts';
import { bundleProxy } from '../../support/proxy-bundle.ts';
import { ProxyProcess } from '../../support/proxy-process.ts';
import { median } from '../figures.ts';
import type { FixedRateAnswer, FixedRateRequest } from '../load/fixed-rate-types.ts';

const NET = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
const SERVER_HOST = `${NET}.1`;
const LISTEN = `${NET}.2:15001`;
const SERVER_IP = '10.1.0.1';
const SERVICE_IP = '10.0.0.1';
const LOAD = join(import.meta.dirname, '..', 'load', 'fixed-rate.ts');
const PAGE = 'x'.repeat(1024);

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '1000' },
    'max-rps': { type: 'string', default: '100' },
  },
});

const QUESTION: TapQuestion = {
  direction: null,
  to: null,
  from: null,
  scheme: '',
  method: '',
  authority: '',
  path: '',
  maxRps: Number(values['max-rps']),
  share: 1,
  headers: false,
};

async function startPair(folder: string, plane: ControlPlane, port: number): Promise<ProxyProcess[]> {
  plane.put('Namespace', namespace('app'));
  plane.put('Pod', pod('web-1', SERVER_IP));
  plane.put('Pod', pod('client-1', '10.1.0.2', { serviceAccount: 'client' }));
  plane.put('Service', service('web', SERVICE_IP, { ports: [servicePort(80, { targetPort: port })] }));
  const endpoints = [sliceEndpoint(SERVER_IP, { targetPod: 'web-1' })];
  plane.put('EndpointSlice', slice('web-abc', 'web', endpoints, { ports: [{ name: 'http', port, protocol: 'TCP' }] }));
  const common = { namespace: 'app', program: bundleProxy(folder) };
  const environment = { inboundListen: `${SERVER_HOST}:${PROXY_PORTS.inboundMesh}` };
  const network = {
    outbound: [{ listen: LISTEN, destination: `${SERVICE_IP}:80` }],
    addresses: { [SERVER_IP]: SERVER_HOST },
  };
  const proxies = [
    new ProxyProcess({ ...common, serviceAccount: 'web', pod: 'web-1', podIp: SERVER_IP, environment }),
    new ProxyProcess({ ...common, serviceAccount: 'client', pod: 'client-1', podIp: '10.1.0.2', network }),
  ];
  for (const proxy of proxies) await proxy.start(plane).line('proxy is ready');
  return proxies;
}

/** Listens to a proxy; counts what it is told. */
async function listen(plane: ControlPlane, proxy: ProxyProcess): Promise<{ events: number; stop(): void }> {
  const heard = { events: 0, stop: () => stream.close() };
  const { serviceAccount, namespace: name } = proxy.options;
  const [ip = '', port = ''] = (await proxy.address('control')).split(':');
  const address = { ip, port: Number(port), identity: serviceAccountIdentity(serviceAccount, name, SUFFIX) };
  const stream = new ProxyStream(
    address,
    plane.credentials,
    { verb: TAP_VERB, about: QUESTION },
    {
      told: () => {
        heard.events += 1;
      },
      ended: (reason) => {
        throw new Error(reason);
      },
    },
  );
  await eventually('the tap', () => heard.events > 0);
  return heard;
}

async function load(): Promise<FixedRateAnswer> {
  const request: FixedRateRequest = {
    url: `http://${LISTEN}/`,
    connections: 16,
    rate: Number(values.rate),
    warmUpMs: 1_000,
    durationMs: Number(values.seconds) * 1000,
    precise: false,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [LOAD, JSON.stringify(request)]);
  return JSON.parse(stdout) as FixedRateAnswer;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-tap-'));
  const application = createServer((_, response) => response.end(PAGE));
  await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
  const plane = await ControlPlane.start();
  const proxies = await startPair(folder, plane, (application.address() as AddressInfo).port);
  try {
    await load();
    const [, client] = proxies;
    const beforeMib = client!.anonymousMib;
    const rounds: { untapped: FixedRateAnswer; tapped: FixedRateAnswer; told: number }[] = [];
    for (let round = 0; round < Number(values.rounds); round++) {
      const untapped = await load();
      const taps = await Promise.all(proxies.map((proxy) => listen(plane, proxy)));
      const tapped = await load();
      for (const tap of taps) tap.stop();
      rounds.push({ untapped, tapped, told: taps.reduce((sum, { events }) => sum + events, 0) });
    }
    const of = (kind: 'untapped' | 'tapped', name: 'p50' | 'p99') => median(rounds.map((round) => round[kind][name]));
    const failures = rounds
      .flatMap(({ untapped, tapped }) => [untapped, tapped])
      .filter((each) => each.answers < each.sent);
    console.log({
      rate: Number(values.rate),
      failures: failures.length,
      eventsPerRequest: median(rounds.map(({ told, tapped }) => told / tapped.sent)),
      p50Ms: { untapped: of('untapped', 'p50'), tapped: of('tapped', 'p50') },
      p99Ms: { untapped: of('untapped', 'p99'), tapped: of('tapped', 'p99') },
      p50Ratio: median(rounds.map(({ untapped, tapped }) => tapped.p50 / untapped.p50)),
      memoryMib: { before: beforeMib, after: client!.anonymousMib },
    });
  } finally {
    for (const proxy of proxies) await proxy.remove();
    application.close();
    application.closeAllConnections();
    await plane.stop();
    rmSync(folder, { recursive: true });
  }
}

await main();
