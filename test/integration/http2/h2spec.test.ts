import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { PairProcess } from '../grpc/pair-process.ts';
import { findH2spec, runH2spec } from './h2spec.ts';

const LIMIT_MS = 300_000;
/** Of the version that hack/h2spec pins. */
const CASES = 146;

describe('h2spec, strict', function () {
  this.timeout(LIMIT_MS);
  const sessions = new Set<ServerHttp2Session>();
  let backend: Http2Server;
  let program: string;
  let pair: PairProcess;

  before(async function () {
    this.timeout(2 * LIMIT_MS);
    program = await findH2spec();
    backend = createServer();
    backend.on('session', (session) => sessions.add(session.on('error', () => {})));
    backend.on('stream', answer);
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as AddressInfo;
    pair = await PairProcess.start({ protocol: 'http2', applicationPorts: [port] });
  });
  after(async () => {
    await pair.stop();
    backend.close();
    for (const session of sessions) session.destroy();
  });

  async function judge(port: number): Promise<void> {
    const { passed, failed, skipped } = await runH2spec(program, port);
    expect(failed).to.deep.equal([]);
    // The case that is skipped when a server announces no limit of concurrent streams is not: we announce one.
    expect(skipped).to.deep.equal([]);
    expect(passed).to.equal(CASES);
  }

  it('finds no fault in the outbound side', () => judge(pair.ports.applications[0]!.outboundPort));

  it('finds no fault in the inbound side', () => judge(pair.ports.applications[0]!.inboundPlainPort));
});

function answer(stream: ServerHttp2Stream): void {
  stream.on('error', () => {});
  stream.resume().on('end', () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'text/plain', 'content-length': 5 });
    stream.end('hello');
  });
}
