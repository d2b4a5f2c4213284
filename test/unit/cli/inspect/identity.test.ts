import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { expect } from 'chai';
import { TRANSPORT_ALPN } from '../../../../proxy-image/contract/names.ts';
import { createLeaf, createTestAuthority, type LeafDefect } from '../../../support/certificates.ts';
import { CliCluster } from '../../../support/cli-cluster.ts';
import { deployment, meshedPod } from '../../../support/cli-objects.ts';

const WEB = 'web.shop.serviceaccount.identity.linkerd.cluster.local';

describe('weft identity', () => {
  const cluster = new CliCluster();
  const authority = createTestAuthority();
  const servers: Server[] = [];
  const names: string[] = [];

  /** A proxy's port of the mesh, as far as a stranger sees it: it ends what proves nothing. */
  async function proxyOf(pod: string, defect: LeafDefect = 'none', identity = WEB): Promise<void> {
    const { keyPem, chainPem } = createLeaf(authority, identity, defect);
    const server = createServer({
      key: keyPem,
      cert: chainPem,
      ca: authority.anchorsPem,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
      ALPNProtocols: [TRANSPORT_ALPN],
      SNICallback: (name, done) => {
        names.push(name);
        done(null);
      },
    });
    server.on('tlsClientError', () => {});
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cluster.forwarded.set(`shop/${pod}:4143`, (server.address() as AddressInfo).port);
  }

  before(() => cluster.start());
  beforeEach(() => {
    cluster.reset();
    names.length = 0;
    cluster.objects = [deployment('web'), meshedPod('web-1', { app: 'web' }), meshedPod('web-2', { app: 'web' })];
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });
  after(() => cluster.stop());

  it('prints the chain that a proxy shows to whom proves nothing, as text and as PEM', async () => {
    await proxyOf('web-1');
    const { status, stdout, stderr } = await cluster.run(['identity', 'web-1']);
    expect(stderr).to.equal('');
    expect(status).to.equal(0);
    expect(names).to.deep.equal([WEB]);
    expect(stdout).to.match(/^POD web-1 \(1 of 1\)\n\nSubject: /);
    expect(stdout).to.match(new RegExp(`^SAN: +DNS:${WEB.replaceAll('.', '\\.')}$`, 'm'));
    expect(stdout).to.match(/^Issuer: +CN=issuer\.anchor\.test$/m);
    expect(stdout).to.match(/^Key: +ec prime256v1$/m);
    expect(stdout).to.match(/^Not after: +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in 59m\)$/m);
    expect(stdout.match(/-----BEGIN CERTIFICATE-----/g)).to.have.length(2);
  });

  it('prints JSON, and PEM alone', async () => {
    await proxyOf('web-1');
    await proxyOf('web-2');
    const { stdout } = await cluster.run(['identity', 'deploy/web', '-o', 'json']);
    const shown: { pod: string; identity: string; faults: string[]; certificates: Record<string, unknown>[] }[] =
      JSON.parse(stdout);
    expect(shown.map(({ pod }) => pod)).to.deep.equal(['web-1', 'web-2']);
    for (const { identity, faults, certificates } of shown) {
      expect({ identity, faults }).to.deep.equal({ identity: WEB, faults: [] });
      expect(certificates.map(({ subjectAlternativeNames: sans }) => sans)).to.deep.equal([[`DNS:${WEB}`], []]);
    }
    const pem = await cluster.run(['identity', '-l', 'app=web', '-o', 'pem']);
    expect(pem.stdout).to.match(/^(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+-----END CERTIFICATE-----\n){4}$/);
  });

  const FAULTS: readonly [LeafDefect, string, RegExp][] = [
    ['expired', WEB, /^shop\/web-1: .*has expired at /m],
    ['not yet valid', WEB, /^shop\/web-1: .*is not valid before /m],
    ['none', 'books.shop.serviceaccount.identity.linkerd.cluster.local', /^shop\/web-1: its name is DNS:books\.shop/m],
    ['several SANs', WEB, /^shop\/web-1: its name is DNS:/m],
    ['self-signed', WEB, /^shop\/web-1: .*stands alone: no issuer vouches for it$/m],
  ];
  for (const [defect, identity, expected] of FAULTS) {
    it(`finds what is wrong: ${defect}${identity === WEB ? '' : ', of another ServiceAccount'}`, async () => {
      await proxyOf('web-1', defect, identity);
      const { status, stdout, stderr } = await cluster.run(['identity', 'web-1']);
      expect(stderr).to.match(expected);
      expect(status).to.equal(1);
      expect(stdout).to.include('-----BEGIN CERTIFICATE-----');
    });
  }

  it('asks as whoever it is told to, and says that it may not', async () => {
    await proxyOf('web-1');
    expect((await cluster.run(['identity', 'web-1', '--as', 'ann', '--as-group', 'ops'])).status).to.equal(0);
    const forwarded = cluster.asked.find(({ url }) => url?.includes('/portforward'))!;
    expect(forwarded.headers).to.include({ 'impersonate-user': 'ann', 'impersonate-group': 'ops' });
    expect(forwarded.headers.authorization).to.equal('Bearer a-token');
    cluster.mayForward = false;
    const { status, stderr } = await cluster.run(['identity', 'web-1']);
    expect(stderr).to.match(/^shop\/web-1: WEFT_CLI_FORBIDDEN: .*403 to pods\/portforward of shop\/web-1$/m);
    expect(status).to.equal(1);
  });

  it('says of a pod where nothing listens what the node says, and goes on with the others', async () => {
    await proxyOf('web-2');
    const { status, stdout, stderr } = await cluster.run(['identity', 'deploy/web']);
    expect(stderr).to.match(/^shop\/web-1: WEFT_CLI_POD: .*error forwarding port 4143: connection refused$/m);
    expect(stdout).to.match(/^POD web-2 \(2 of 2\)\n\nSubject:/m);
    expect(status).to.equal(1);
  });
});
