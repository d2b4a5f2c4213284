import { readFileSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { createAnchor, createIssuer } from '../../../operator/pki/authority.ts';
import { fromPem } from '../../../operator/pki/certificate.ts';
import { ANCHOR_SECRET, ISSUER_SECRET, toSecret } from '../../../operator/pki/secrets.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { ControlPlane, SUFFIX } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { ProxyProcess } from '../../support/proxy-process.ts';
import { type PodOptions, WebPair } from '../../support/web-pair.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
/** The mesh port is the same in every pod: a loopback address of this run for the one that is called. */
const SERVER_HOST = `127.${192 + (process.pid % 60)}.${(process.pid >> 6) % 256}.9`;
const LATER: PodOptions = { serviceAccount: 'client', pod: 'client-2', podIp: '10.1.0.3' };
const CLIENT_IDENTITY = `client.app.serviceaccount.identity.${SUFFIX}`;

describe('proxies on Bun while the trust anchor is replaced', function () {
  this.timeout(60_000);
  let plane: ControlPlane;
  let application: Server;
  /** How far the operator's clock is behind: TLS knows only the present, so everything before it happens in the past. */
  let behindMs = 0;
  /** What a pod has in its environment that was injected before. */
  let oldPem = '';
  const pair = new WebPair(SERVER_HOST);
  const { proxies } = pair;
  const secrets = new MemorySecrets();

  before(async () => {
    // Due (70 % of ten years) three days ago, when the issuer had still most of its life.
    const anchor = createAnchor(`root.${SUFFIX}`, 10 * YEAR_MS, Date.now() - 7 * YEAR_MS - 3 * DAY_MS);
    const issuer = createIssuer(anchor, `identity.${SUFFIX}`, YEAR_MS, Date.now() - 30 * DAY_MS);
    await secrets.create(ANCHOR_SECRET, toSecret(anchor));
    await secrets.create(ISSUER_SECRET, toSecret(issuer));
    oldPem = anchor.certificate.toString();
    behindMs = 4 * DAY_MS;
    const trustClock = { ...systemClock, wallMs: () => Date.now() - behindMs };
    plane = await ControlPlane.start({ secrets, trustClock });
    application = createServer((incoming, response) => response.end(String(incoming.headers['l5d-client-id'] ?? '')));
    await new Promise<void>((resolve) => application.listen(0, SERVER_HOST, resolve));
    const { port } = application.address() as AddressInfo;
    pair.put(plane, port, LATER);
  });

  after(async () => {
    await pair.remove();
    application.close();
    await plane.stop();
  });

  async function start(options: PodOptions, anchorsPem: string): Promise<ProxyProcess> {
    const proxy = pair.start(plane, options, anchorsPem);
    await proxy.line('proxy is ready');
    return proxy;
  }

  const startServer = (anchorsPem: string) => start(WebPair.WEB, anchorsPem);
  const startClient = (anchorsPem: string) => start(WebPair.CLIENT, anchorsPem);

  /** What the application saw of the caller: the identity that its certificate proves. */
  async function call(client: ProxyProcess): Promise<string> {
    const [host, port] = (await client.address('outbound')).split(':');
    return new Promise((resolve, reject) => {
      const outgoing = request({ host, port, headers: { host: 'web.app', connection: 'close' }, timeout: 10_000 });
      outgoing.on('error', reject).on('timeout', () => outgoing.destroy(new Error('no answer')));
      outgoing.on('response', (response) => {
        let text = String(response.statusCode);
        response.on('data', (chunk) => {
          text += ` ${chunk}`;
        });
        response.on('end', () => resolve(text));
      });
      outgoing.end();
    });
  }

  const trustOf = async (proxy: ProxyProcess) =>
    /^weft_config_version_info\{resource="trust",version="([^"]+)"\}/m.exec((await proxy.get('/metrics')).text)?.[1];

  it('go on talking, old with old, new with new and each with the other, and none is restarted for it', async () => {
    expect(plane.anchorsPem).to.equal(oldPem);
    const server = await startServer(oldPem);
    const client = await startClient(oldPem);
    expect(await call(client)).to.equal(`200 ${CLIENT_IDENTITY}`);
    const before = [await trustOf(server), await trustOf(client)];

    behindMs = 2.5 * DAY_MS;
    await plane.refresh();
    expect(fromPem(plane.anchorsPem)).to.have.length(2);
    await eventually('both have the new bundle', async () => {
      const now = [await trustOf(server), await trustOf(client)];
      return now.every((version, i) => version !== undefined && version !== before[i]);
    });
    expect(await call(client)).to.equal(`200 ${CLIENT_IDENTITY}`);

    behindMs = 0;
    await plane.refresh();
    expect(plane.trust.current!.isCrossing).to.equal(false);
    const newClient = await startClient(plane.anchorsPem);
    expect(await call(newClient), 'a certificate below the new anchor, to one below the old').to.equal(
      `200 ${CLIENT_IDENTITY}`,
    );
    expect(await call(client), 'both below the old').to.equal(`200 ${CLIENT_IDENTITY}`);
  });

  it('come back after their node did, with an empty volume and the old anchor alone in their environment', async () => {
    const [server, client, newClient] = proxies;
    await server!.kill();
    rmSync(join(server!.folder, 'identity', 'identity.json'));
    server!.start(plane);
    await server!.line('certificate obtained');
    await server!.line('proxy is ready');
    expect(await call(client!), 'a certificate below the old anchor, to one below the new').to.equal(
      `200 ${CLIENT_IDENTITY}`,
    );
    expect(await call(newClient!), 'both below the new').to.equal(`200 ${CLIENT_IDENTITY}`);
  });

  it('come back as a restarted container with what they kept', async () => {
    const [, client] = proxies;
    await client!.kill();
    client!.start(plane);
    await client!.line('certificate restored');
    await client!.line('proxy is ready');
    expect(await call(client!)).to.equal(`200 ${CLIENT_IDENTITY}`);
  });

  it('get a certificate below the new anchor where they know the old one alone and talk to nobody but the operator', async () => {
    const stranger = await startClient(oldPem);
    expect(await call(stranger)).to.equal(`200 ${CLIENT_IDENTITY}`);
    await eventually('the bundle of both', async () => (await trustOf(stranger)) === (await trustOf(proxies[0]!)));
  });

  it('keep the bundle of the stream when a replica signs for them that has not read of the new anchor yet', async () => {
    const newest = plane.anchorsPem;
    const secretsBefore = new MemorySecrets();
    const { issuer } = plane.trust.current!;
    // What it read last: an issuer of both generations, and the old anchor alone.
    const content = toSecret({ ...issuer, anchors: fromPem(oldPem) });
    await secretsBefore.create(ISSUER_SECRET, content);
    await secretsBefore.create(ANCHOR_SECRET, secrets.secrets.get(ANCHOR_SECRET)!);
    const lagging = await ControlPlane.start({ secrets: secretsBefore, lifetimeMs: 4_000 });
    try {
      await lagging.useIssuer({ ...issuer, anchors: fromPem(oldPem) });
      expect(lagging.anchorsPem).to.equal(oldPem);
      const proxy = new ProxyProcess({ namespace: 'app', ...LATER });
      proxies.push(proxy);
      const { configPort } = plane;
      const { identityPort } = lagging;
      await proxy.start({ anchorsPem: oldPem, configPort, identityPort }).line('proxy is ready');
      await eventually('two renewals', async () =>
        /^control_identity_cert_refreshes_total [3-9]/m.test((await proxy.get('/metrics')).text),
      );
      const kept = JSON.parse(readFileSync(join(proxy.folder, 'identity', 'identity.json'), 'utf8'));
      expect(kept.anchorsPem).to.equal(newest);
    } finally {
      await lagging.stop();
    }
  });
});
