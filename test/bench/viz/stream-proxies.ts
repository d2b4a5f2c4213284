/** The other process of `stream.ts`, which sends it what to play. */
import { connect, createSecureContext } from 'node:tls';
import { encodeFrame, FrameReader } from '../../../proxy-image/contract/framing.ts';
import {
  CONFIG_ALPN,
  MAX_MESSAGE_BYTES,
  type OperatorMessage,
  PING_INTERVAL_MS,
  REVISION,
} from '../../../proxy-image/contract/messages.ts';
import { reporterOf, SimulatedProxy } from './simulated-proxy.ts';

export interface Simulation {
  port: number;
  proxies: number;
  series: number;
  workloads: number;
  anchorsPem: string;
  /** By workload. */
  leaves: { keyPem: string; chainPem: string }[];
}

/** Handshakes at a time. */
const AT_A_TIME = 20;

/** Resolves when it has been asked for reports. */
function play(at: number, { port, series, workloads, anchorsPem, leaves }: Simulation): Promise<void> {
  const proxy = new SimulatedProxy(at, { series, workloads });
  const { namespace, pod } = reporterOf(at, workloads);
  const { keyPem, chainPem } = leaves[at % workloads]!;
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'weft-operator.test',
    ALPNProtocols: [CONFIG_ALPN],
    minVersion: 'TLSv1.3',
    secureContext: createSecureContext({ ca: anchorsPem, key: keyPem, cert: chainPem }),
  });
  const frames = new FrameReader(MAX_MESSAGE_BYTES);
  const send = (message: object) => socket.write(encodeFrame(message));
  socket.on('secureConnect', () => {
    send({ type: 'hello', revision: REVISION, namespace, pod, node: 'n', proxyVersion: 'bench', held: [] });
    setInterval(() => send({ type: 'ping' }), PING_INTERVAL_MS);
  });
  socket.on('error', (error) => console.error(`proxy ${at}: ${error.message}`));
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const report = (everyMs: number) => {
      timer = setTimeout(() => report(everyMs), everyMs);
      socket.write(proxy.report(everyMs));
    };
    socket.on('data', (chunk: Uint8Array) => {
      for (const message of frames.push(chunk) as OperatorMessage[]) {
        if (message.type === 'batch') send({ type: 'ack', seq: message.seq });
        if (message.type !== 'reportTraffic') continue;
        clearTimeout(timer);
        timer = setTimeout(() => report(message.everyMs), Math.random() * message.everyMs);
        resolve();
      }
    });
  });
}

process.on('message', async (simulation: Simulation) => {
  for (let at = 0; at < simulation.proxies; at += AT_A_TIME) {
    const numbers = Array.from({ length: Math.min(AT_A_TIME, simulation.proxies - at) }, (_, next) => at + next);
    await Promise.all(numbers.map((number) => play(number, simulation)));
  }
});
process.on('disconnect', () => process.exit());
