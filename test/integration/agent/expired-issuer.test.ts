import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { type PodOptions, WebPair } from '../../support/web-pair.ts';

/** The mesh port is the same in every pod: a loopback address of this run for the one that is called. */
const SERVER_HOST = `127.${66 + (process.pid % 60)}.${(process.pid >> 6) % 256}.13`;
const DAY_MS = 86_400_000;
const LATE: PodOptions = { serviceAccount: 'late', pod: 'late-1', podIp: '10.1.0.3' };
/** Long enough for two proxies to start and to be asked. */
const ISSUER_LIFE_MS = 9_000;

/** What docs/failure.md says of an issuer that ends because nobody has renewed it. */
describe('proxies on Bun whose issuer, kept by somebody else, ends', function () {
  this.timeout(60_000);
  let plane: ControlPlane;
  let application: Server;
  const pair = new WebPair(SERVER_HOST);
  const { proxies } = pair;
  const anchor = createAnchor('theirs.test', DAY_MS, Date.now());
  let endMs = 0;

  before(async () => {
    plane = await ControlPlane.start();
    application = createServer((incoming, response) => response.end(String(incoming.headers['l5d-client-id'] ?? '')));
    await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
    const { port } = application.address() as AddressInfo;
    pair.put(plane, port, LATE);
    endMs = Date.now() + ISSUER_LIFE_MS;
    await plane.useIssuer(createIssuer(anchor, 'issuer.test', ISSUER_LIFE_MS, Date.now()));
    await pair.start(plane, WebPair.WEB).line('proxy is ready');
    await pair.start(plane, WebPair.CLIENT).line('proxy is ready');
  });

  after(async () => {
    await pair.remove();
    application.close();
    await plane.stop();
  });

  it('go on to its end with what they have', async () => {
    expect((await proxies[1]!.ask()).status).to.equal(200);
    expect(Date.now()).to.be.lessThan(endMs);
  });

  it('refuse each other from then on, never in plaintext; a new proxy is not ready', async () => {
    const late = pair.start(plane, LATE);
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
