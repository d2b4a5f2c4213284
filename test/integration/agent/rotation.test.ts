import { rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { NO_ROTATION, type RotationValues } from '../../../operator/pki/rotation-record.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { SteadyTraffic } from '../../support/steady-traffic.ts';
import { WebPair } from '../../support/web-pair.ts';

/** The mesh port is the same in every pod: a loopback address of this run for the one that is called. */
const SERVER_HOST = `127.${66 + (process.pid % 60)}.${(process.pid >> 6) % 256}.12`;

describe('proxies on Bun under traffic, while anchor, issuer and certificates are rotated', function () {
  this.timeout(60_000);
  let plane: ControlPlane;
  let application: Server;
  let traffic: SteadyTraffic;
  /** What pods have in their environment that were injected at the beginning. */
  let firstPem = '';
  const pair = new WebPair(SERVER_HOST);
  const { proxies } = pair;

  before(async () => {
    plane = await ControlPlane.start();
    firstPem = plane.anchorsPem;
    application = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
    const { port } = application.address() as AddressInfo;
    pair.put(plane, port);
    await pair.start(plane, WebPair.WEB, firstPem).line('proxy is ready');
    const client = pair.start(plane, WebPair.CLIENT, firstPem);
    await client.line('proxy is ready');
    expect((await client.ask()).text).to.equal('hello');
    traffic = new SteadyTraffic(await client.address('outbound')).start();
  });

  after(async () => {
    await traffic?.stop();
    await pair.remove();
    application.close();
    await plane.stop();
  });

  const obtained = () =>
    proxies.map(({ lines }) => lines.filter(({ message }) => message === 'certificate obtained').length);

  /** As the leader's timer does, until it is done. */
  async function rotated(rotation: Partial<RotationValues>, between = async () => {}): Promise<void> {
    plane.rotation = { ...NO_ROTATION, ...rotation };
    await eventually(
      `rotation ${JSON.stringify(rotation)}`,
      async () => {
        await plane.refresh();
        await between();
        const { phase, done } = plane.trust.rotation!;
        return (
          phase === 'Done' &&
          Object.entries(rotation).every(([part, value]) => done[part as keyof typeof done] === value)
        );
      },
      20_000,
    );
  }

  for (const value of ['first', 'second']) {
    it(`a new anchor, ${value}: every certificate is below it at the end, and it is the only one`, async () => {
      const before = obtained();
      const [old] = fromPem(plane.anchorsPem);
      await rotated({ anchor: value });
      const [anchor, ...others] = fromPem(plane.anchorsPem);
      expect(others).to.deep.equal([]);
      expect(anchor!.fingerprint256).not.to.equal(old!.fingerprint256);
      expect(obtained(), 'one more each').to.deep.equal(before.map((count) => count + 1));
    });

    it(`a new issuer, ${value}`, async () => {
      const before = obtained();
      const { serialNumber } = plane.trust.current!.issuer.certificate;
      await rotated({ issuer: value });
      expect(plane.trust.current!.issuer.certificate.serialNumber).not.to.equal(serialNumber);
      expect(obtained(), 'one more each').to.deep.equal(before.map((count) => count + 1));
    });

    it(`new certificates, ${value}`, async () => {
      const before = obtained();
      await rotated({ leaf: value });
      expect(obtained(), 'one more each').to.deep.equal(before.map((count) => count + 1));
    });
  }

  it('all at once, with another leader after every look', async () => {
    const before = obtained();
    await rotated({ anchor: 'third', issuer: 'third', leaf: 'third' }, () => plane.anotherLeader());
    expect(fromPem(plane.anchorsPem)).to.have.length(1);
    expect(obtained(), 'once for all three').to.deep.equal(before.map((count) => count + 1));
  });

  it('no request failed, on new connections and on one that stayed open; no proxy ended, and no stream', async () => {
    const { asked } = traffic;
    await eventually('requests go on', () => traffic.asked > asked + 10);
    expect(traffic.failures).to.deep.equal([]);
    for (const { exitCode, lines } of proxies) {
      expect(exitCode).to.equal(null);
      expect(lines.filter(({ message }) => message === 'configuration stream connected')).to.have.length(1);
    }
  });

  it('a pod that was injected before all that, and lost its volume, comes in by way of the anchor that it knows', async () => {
    const [, client] = proxies;
    await traffic.stop();
    await client!.kill('SIGTERM');
    rmSync(join(client!.folder, 'identity', 'identity.json'));
    await client!.start(plane).line('proxy is ready');
    expect((await client!.ask()).text).to.equal('hello');
  });

  it('while a proxy is away the old anchor stays; it comes back, and the rotation ends', async () => {
    const [, client] = proxies;
    await client!.kill();
    await eventually('the stream is gone', () => plane.config.connections().connected === 1);
    plane.rotation = { ...NO_ROTATION, anchor: 'fourth' };
    for (let look = 0; look < 6; look++) {
      await plane.refresh();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(fromPem(plane.anchorsPem)).to.have.length(2);
    expect(plane.trust.rotation).to.include({ phase: 'Trusting' });
    expect(plane.trust.rotation!.waits).to.contain('proxies of 1 pods are not connected: app/client-1');
    await client!.start(plane).line('proxy is ready');
    await rotated({ anchor: 'fourth' });
    expect(fromPem(plane.anchorsPem)).to.have.length(1);
    expect((await client!.ask()).text).to.equal('hello');
  });
});
