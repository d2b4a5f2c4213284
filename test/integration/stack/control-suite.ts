import { expect } from 'chai';
import { askProxy } from '../../../operator/viz/proxies/ask-proxy.ts';
import { heldIn } from '../../../operator/viz/proxies/items.ts';
import { TRANSPORT_ALPN } from '../../../proxy-image/contract/names.ts';
import { NO_HANDLER } from '../../../proxy-image/io/transport/no-handler.ts';
import type { TlsCredentials, Transport } from '../../../proxy-image/io/transport/types.ts';
import { MAX_CONTROL_CONNECTIONS } from '../../../proxy-image/stack/control/port.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { until } from '../transport/recorder.ts';
import { ControlClient, controlCredentials } from './control-client.ts';
import { CONTROL_IDENTITY, identityName, refusals, TestMesh, type TestProxy } from './mesh.ts';
import { credentialsOf, goodCredentials } from './mesh-client.ts';

/** Who may ask a proxy on its control port, and what becomes of everybody else. */
export function controlSuite(create: (onFault: (error: unknown) => void) => Transport): void {
  let mesh: TestMesh;
  let proxy: TestProxy;

  beforeEach(async () => {
    mesh = new TestMesh(create);
    proxy = await mesh.proxy({ serviceAccount: 'server', limits: { handshakeTimeoutMs: 400 } });
  });
  afterEach(() => mesh.stop());

  const client = (credentials: TlsCredentials = controlCredentials(mesh), alpn?: string[]) =>
    new ControlClient(mesh, proxy, credentials, alpn);

  const refused = async (who: ControlClient, reason: string): Promise<void> => {
    await until(() => refusals(proxy, 'inbound', reason) === 1, `one refusal: ${reason}`);
    await who.gone();
    expect(who.answers).to.deep.equal([]);
  };

  it('the control plane is answered; what this proxy does not know is said to be unknown', async () => {
    const asks = await client().ask('whatHasNotBeenThoughtOf', null);
    expect(await asks.told(1)).to.deep.equal([{ type: 'refused', reason: 'unknown_verb', problems: [] }]);
    await asks.gone();
  });

  it('what is in force is told, resource by resource; bodies of those that are asked for', async () => {
    proxy.state.apply([
      { op: 'set', key: 'trust', version: 'v1', body: { anchorsPem: mesh.authority.anchorsPem, sources: '7' } },
      { op: 'set', key: 'endpoints/shop/web:80/ipv4', version: 'v2', body: { endpoints: [], sources: '8' } },
      {
        op: 'set',
        key: 'service/10.96.0.9:80',
        version: 'v3',
        body: { type: 'unknown', protocol: 'detect', sources: '9' },
      },
    ]);
    const all = await client().ask('configuration', { bodies: null });
    await all.gone();
    const items = all.answers.slice(0, -1).map(({ item }) => item as { key: string; version: string; body: unknown });
    expect(all.answers.at(-1)).to.deep.equal({ type: 'end' });
    const held = (key: string) => items.find((each) => each.key === key);
    expect(held('trust')).to.deep.include({
      version: 'v1',
      body: { anchorsPem: mesh.authority.anchorsPem, sources: '7' },
    });
    expect(held('endpoints/shop/web:80/ipv4')).to.deep.include({
      version: 'v2',
      body: { sources: '8', endpoints: [] },
    });
    const some = await client().ask('configuration', { bodies: ['service/10.96.0.9:80'] });
    await some.gone();
    const bodies = some.answers.slice(0, -1).map(({ item }) => item as { key: string; body: unknown });
    expect(bodies.filter(({ body }) => body !== null).map(({ key }) => key)).to.deep.equal(['service/10.96.0.9:80']);
    expect(bodies.map(({ key }) => key)).to.have.members(items.map(({ key }) => key));
    for (const about of [null, {}, { bodies: 'trust' }, { bodies: [1] }]) {
      const asks = await client().ask('configuration', about);
      expect((await asks.told(1))[0]).to.include({ type: 'refused', reason: 'malformed' });
    }
  });

  it('the operator asks as it does: it is answered by this proxy, and by no other', async () => {
    const leaf = createLeaf(mesh.authority, CONTROL_IDENTITY);
    const credentials = { keyPem: leaf.keyPem, certPem: leaf.chainPem, anchorsPem: mesh.authority.anchorsPem };
    const ask = (identity: string, verb: string, maxBytes = 1_000_000) => {
      const address = { ip: '127.0.0.1', port: proxy.control.port, identity };
      return askProxy(address, credentials, { verb, about: { bodies: [] } }, { timeoutMs: 5_000, maxBytes });
    };
    const failed = (asking: Promise<unknown>) =>
      asking.then(
        () => expect.fail('answered'),
        ({ message }) => message,
      );
    expect(heldIn(await ask(identityName('server'), 'configuration'))).to.be.an('array');
    expect(await failed(ask(identityName('other'), 'configuration'))).to.match(/^it is .*server.*, and not .*other/);
    expect(await failed(ask(identityName('server'), 'nothing'))).to.equal('it refuses: unknown_verb');
    expect(await failed(ask(identityName('server'), 'configuration', 3))).to.match(/says more than 3 octets/);
  });

  it('names of what every object has are no verbs', async () => {
    for (const verb of ['constructor', '__proto__', 'toString']) {
      const asks = await client().ask(verb, null);
      expect((await asks.told(1))[0]).to.include({ reason: 'unknown_verb' });
    }
  });

  it('a question of a newer version is refused, and the newest that is known is named', async () => {
    const asks = await client().ask('tap', null, 2);
    expect(await asks.told(1)).to.deep.equal([{ type: 'refused', reason: 'version', problems: ['1 is the newest'] }]);
  });

  it('F4: another proxy of the mesh is refused before it can ask, counted, and named in the log', async () => {
    await refused(client(goodCredentials(mesh)), 'not_control_plane');
    const [line] = proxy.log.filter((text) => text.includes('the client is not the control plane'));
    expect(line).to.contain('client.shop.serviceaccount');
    expect(line).to.contain('control port');
  });

  it('who has the name of the control plane from another authority is refused', async () => {
    const other = createTestAuthority();
    const leaf = createLeaf(other, CONTROL_IDENTITY);
    await refused(client(credentialsOf(mesh, leaf)), 'client_certificate_untrusted');
  });

  it('who shows no certificate is refused', async () => {
    const { anchorsPem } = mesh.authority;
    await refused(client({ keyPem: '', certificatePem: '', anchorsPem }), 'client_certificate_missing');
  });

  it('who speaks the protocol of proxies here is refused', async () => {
    const who = client(controlCredentials(mesh), [TRANSPORT_ALPN]);
    await until(() => refusals(proxy, 'inbound', 'handshake_failed') === 1, 'one refusal');
    await who.gone();
  });

  it('what is no question is refused, whoever asks it: no JSON, no object, no verb, too long', async () => {
    const wrong: (Uint8Array | object)[] = [
      Buffer.from([0, 0, 0, 1, 0x7b]),
      Buffer.from([0x7f, 0xff, 0xff, 0xff]),
      [],
      { type: 'ask', version: 0, verb: 'tap' },
      { type: 'ask', version: 1, verb: ['tap'] },
    ];
    for (const message of wrong) {
      const asks = await client().secure();
      if (message instanceof Uint8Array) asks.write(message);
      else asks.send(message);
      expect((await asks.told(1))[0]).to.include({ type: 'refused', reason: 'malformed' });
      await asks.gone();
    }
  });

  it('who asks nothing is not waited for', async () => {
    const silent = await client().secure();
    expect((await silent.told(1))[0]).to.include({ type: 'refused', reason: 'malformed' });
    await silent.gone();
    await until(() => !proxy.log.some((line) => line.includes('defect')), 'no defect');
  });

  it('strangers who say nothing do not keep the control plane out', async () => {
    for (let count = 0; count < 3 * MAX_CONTROL_CONNECTIONS; count++) {
      const stranger = mesh.transport.connect(proxy.control, NO_HANDLER);
      mesh.onStop(() => stranger.reset());
    }
    const asks = await client().ask('whatHasNotBeenThoughtOf', null);
    expect((await asks.told(1))[0]).to.include({ reason: 'unknown_verb' });
  });

  it('where the port is taken, the proxy does everything else, and says so', async () => {
    const other = await mesh.proxy({ serviceAccount: 'other', controlPort: proxy.control.port });
    expect(other.control).to.equal(undefined);
    expect(other.inbound.port).to.be.greaterThan(0);
    const [line] = other.log.filter((text) => text.includes('control port is not open'));
    expect(line).to.contain('WEFT_TRANSPORT_LISTEN');
  });

  it('a proxy without a certificate answers nobody', async () => {
    proxy.tlsContext = null;
    await refused(client(), 'own_certificate_missing');
  });
}
