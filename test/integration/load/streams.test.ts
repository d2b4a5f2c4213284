import { expect } from 'chai';
import { Application } from '../grpc/application.ts';
import { Caller } from '../grpc/calls.ts';
import { PairProcess } from '../grpc/pair-process.ts';
import { play } from '../grpc/scenario.ts';
import { STREAMS_AT_ONCE } from '../grpc/scenarios/streams.ts';
import { WireServer } from '../grpc/wire.ts';
import { Burners } from './burners.ts';

/** What is late here is everybody: the proxies, the application and its clients share what the busy loops leave. */
describe('gRPC through a pair of proxies beside a busy loop on each core', function () {
  this.timeout(120_000);
  const burners = new Burners();
  let application: Application;
  let wire: WireServer;
  let pair: PairProcess;

  before(async () => {
    application = await new Application().start();
    wire = await new WireServer().start();
    pair = await PairProcess.start({ protocol: 'http2', applicationPorts: [application.port] });
  });
  after(async () => {
    burners.stop();
    await pair.stop();
    application.stop();
    wire.stop();
  });

  it(`no connection of ${STREAMS_AT_ONCE.name} ends by a deadline`, async () => {
    burners.start();
    const port = pair.ports.applications[0]!.outboundPort;
    const caller = new Caller(port);
    const { client } = await play(STREAMS_AT_ONCE, { application, port, caller, wire, wirePort: wire.port });
    caller.close();
    expect(client).to.include({ served: 10_000 });
  });
});
