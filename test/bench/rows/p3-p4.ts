import type { Bench } from '../bench.ts';
import { GRPC_PATH, SMALL_PATH } from '../contenders/backend.ts';
import type { Deployer } from '../contenders/deployment.ts';
import { type Bar, type Measurement, times } from '../figures.ts';
import { APP_UID } from '../host/site.ts';
import { http2Loop, type StreamsLoad } from '../load/h2load.ts';
import { type Contestant, closedLoopRounds, periodOf } from './closed-loop.ts';
import { pick } from './interleave.ts';

const CONNECTIONS = 8;
const MANY_STREAMS = 16;

/** A gRPC message: not compressed, 32 bytes. */
const MESSAGE = Buffer.concat([Buffer.from([0, 0, 0, 0, 32]), Buffer.alloc(32, 'x')]);

interface Kind {
  row: 'P3' | 'P4';
  streams: number;
  unary: boolean;
  bars: readonly Bar[];
  stretch: Bar | null;
}

/** HTTP/2 in and out through the client's proxy, cleartext by prior knowledge, many streams at once; and the same as unary gRPC calls. */
export async function runP3(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const kind = { row: 'P3', streams: MANY_STREAMS } as const;
  const bars = [times(1.25, 'haproxy'), times(0.3, 'envoy')];
  return [
    ...(await measured(bench, deployers, { ...kind, unary: false, bars, stretch: times(0.9, 'haproxy') })),
    ...(await measured(bench, deployers, { ...kind, unary: true, bars: [], stretch: null })),
  ];
}

/** One stream at a time on each connection: nothing to share a flush with. */
export async function runP4(bench: Bench, deployers: readonly Deployer[]): Promise<Measurement[]> {
  const bars = [times(1.5, 'haproxy')];
  return measured(bench, deployers, { row: 'P4', streams: 1, unary: false, bars, stretch: times(1, 'haproxy') });
}

async function measured(bench: Bench, deployers: readonly Deployer[], kind: Kind): Promise<Measurement[]> {
  const { row, streams, unary, bars, stretch } = kind;
  const base = { connections: CONNECTIONS, streams };
  const load: StreamsLoad = unary
    ? { ...base, path: GRPC_PATH, unaryBodyFile: messageFile(bench) }
    : { ...base, path: SMALL_PATH };
  const calls = unary ? 'unary gRPC calls' : 'GET';
  const what = `HTTP/2 one hop, ${CONNECTIONS} connections x ${streams} streams, ${calls}`;
  const turns = await closedLoopRounds(bench, what, contestants(deployers, load));
  const cpu = { row, unit: 'us', rival: 'haproxy', bars, stretch };
  return [
    { ...cpu, what: `${what}: CPU per request`, samples: pick(turns, ({ clientUs }) => clientUs) },
    periodOf(row, what, turns),
  ];
}

/** nginx speaks no HTTP/2 to what is behind it. */
function contestants(deployers: readonly Deployer[], load: StreamsLoad): Contestant[] {
  return deployers
    .filter(({ name }) => name !== 'nginx')
    .map((deployer) => ({
      name: deployer.name,
      deployer,
      options: {
        shape: 'outbound',
        carried: 'http2',
        calledRoutes: load.unaryBodyFile === undefined ? 'few' : 'unary',
      },
      load: (bench, { site, deployment }, durationMs) => http2Loop(bench, site, deployment, load, durationMs),
    }));
}

function messageFile(bench: Bench): string {
  return bench.file(bench.folder('grpc', APP_UID), 'message', MESSAGE.toString('latin1'), APP_UID);
}
