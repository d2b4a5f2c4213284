import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { SteadyTraffic } from '../../support/steady-traffic.ts';
import { WebPair } from '../../support/web-pair.ts';

/** The mesh port is the same in every pod: a loopback address of this run for the one that is called. */
const SERVER_HOST = `127.${66 + (process.pid % 60)}.${(process.pid >> 6) % 256}.14`;
const MOVES = 10;
/** 0.1 s at the most, and what a busy machine needs for a handshake. */
const BACK_MS = 3_000;

describe('proxies on Bun under traffic, which are moved from one replica of the operator to another', function () {
  this.timeout(60_000);
  let plane: ControlPlane;
  let application: Server;
  let traffic: SteadyTraffic;
  let sent = 0;
  const pair = new WebPair(SERVER_HOST);

  before(async () => {
    const batchSent = (changes: number) => {
      sent += changes;
    };
    plane = await ControlPlane.start({ metrics: { batchSent } });
    application = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
    pair.put(plane, (application.address() as AddressInfo).port);
    await pair.start(plane, WebPair.WEB).line('proxy is ready');
    const client = pair.start(plane, WebPair.CLIENT);
    await client.line('proxy is ready');
    expect((await client.ask()).text).to.equal('hello');
    traffic = new SteadyTraffic(await client.address('outbound')).start();
    await eventually('all acknowledged', () => plane.config.connections().current === 2);
  });

  after(async () => {
    await traffic?.stop();
    await pair.remove();
    application.close();
    await plane.stop();
  });

  const streams = () =>
    pair.proxies.map(({ lines }) => lines.filter(({ message }) => message === 'configuration stream connected').length);

  it('come back within moments, are sent nothing, and no request fails, neither on an open connection nor on a new one', async () => {
    const before = sent;
    for (let move = 1; move <= MOVES; move++) {
      const { asked } = traffic;
      expect(plane.config.facts.move(2, 0)).to.equal(2);
      expect(plane.config.connections().connected).to.equal(0);
      await eventually('both are back', () => plane.config.connections().current === 2, BACK_MS);
      await eventually('requests go on', () => traffic.asked > asked + 4);
      await eventually('both say so', () => streams().every((count) => count === move + 1));
    }
    expect(sent).to.equal(before);
    expect(traffic.failures).to.deep.equal([]);
    for (const { exitCode } of pair.proxies) expect(exitCode).to.equal(null);
  });
});
