import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { CodedError } from '../../../proxy-image/contract/errors.ts';
import { encodeFrame } from '../../../proxy-image/contract/framing.ts';
import { IDENTITY_ALPN } from '../../../proxy-image/contract/identity-messages.ts';
import { resolveHost } from '../../../proxy-image/io/control/resolve.ts';
import { IdentityAgent } from '../../../proxy-image/io/identity/agent.ts';
import { CertifyClient } from '../../../proxy-image/io/identity/certify.ts';
import { IdentityStore } from '../../../proxy-image/io/identity/store.ts';
import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemoryLogger } from '../../fakes/logger.ts';
import { FakeTimers } from '../../fakes/timers.ts';
import { createLeaf, createTestAuthority } from '../../support/certificates.ts';
import { ControlPlane, OPERATOR_IDENTITY } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';

const NAME = 'web.shop.serviceaccount.identity.linkerd.cluster.local';
const HOUR_MS = 3_600_000;

const transport = createNodeTransport((error) => {
  throw error;
});

interface Given {
  port?: number;
  anchorsPem?: string;
}

describe('identity of the proxy', () => {
  let clock: FakeClock;
  /** What a corrected or forgotten clock adds to the wall's time. */
  let jumpMs: number;
  let plane: ControlPlane;
  let folder: string;
  let tokenFile: string;
  let log: MemoryLogger;
  const agents: IdentityAgent[] = [];
  const servers: Server[] = [];

  beforeEach(async () => {
    clock = new FakeClock({ wallOffsetMs: Date.now() });
    jumpMs = 0;
    plane = await ControlPlane.start({ clock: { ...bound(clock), wallMs: () => clock.wallMs() + jumpMs } });
    folder = mkdtempSync(join(tmpdir(), 'weft-identity-'));
    tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'shop/web/web-1\n');
    log = new MemoryLogger();
  });

  afterEach(async () => {
    for (const agent of agents.splice(0)) agent.stop();
    for (const server of servers.splice(0)) server.close();
    await plane.stop();
    rmSync(folder, { recursive: true });
  });

  function createAgent(given: Given = {}): IdentityAgent {
    const peer = { host: '127.0.0.1', port: given.port ?? plane.identityPort, identity: OPERATOR_IDENTITY };
    const agent = new IdentityAgent(
      transport,
      new CertifyClient(transport, resolveHost, peer),
      new IdentityStore(folder),
      { name: NAME, tokenFile, trustAnchorsPem: given.anchorsPem ?? plane.anchorsPem },
      { timers: new FakeTimers(clock), wallMs: () => clock.wallMs() + jumpMs, random: () => 0.5 },
      log,
    );
    agents.push(agent);
    return agent;
  }

  const serialOf = (agent: IdentityAgent): string => {
    const pem = agent.current()?.context.credentials.certificatePem;
    return pem === undefined ? '' : new X509Certificate(pem).serialNumber;
  };

  async function started(given: Given = {}): Promise<IdentityAgent> {
    const agent = createAgent(given);
    await agent.start();
    await eventually('a certificate', () => agent.current());
    return agent;
  }

  it('asks with its token and gets the certificate of its ServiceAccount, verified by the bundle', async () => {
    const agent = await started();
    const { identity, context } = agent.current()!;
    const leaf = new X509Certificate(context.credentials.certificatePem);
    expect(identity).to.equal(NAME);
    expect(leaf.subjectAltName).to.equal(`DNS:${NAME}`);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).to.equal('prime256v1');
    expect(context.credentials.anchorsPem).to.equal(plane.anchorsPem);
    expect(plane.audit.at(-1)).to.include({ outcome: 'issued', pod: 'web-1', namespace: 'shop' });
  });

  it('asks at once for another certificate when it is told to, with the same key, and is due again by the new one', async () => {
    const agent = await started();
    const first = serialOf(agent);
    const keyOf = () => new X509Certificate(agent.current()!.context.credentials.certificatePem).publicKey;
    const key = keyOf();
    agent.renew();
    await eventually('another certificate', () => serialOf(agent) !== first);
    expect(keyOf().equals(key)).to.equal(true);
    const second = serialOf(agent);
    const asked = plane.audit.length;
    await clock.advance(HOUR_MS);
    expect([serialOf(agent), plane.audit.length]).to.deep.equal([second, asked]);
  });

  it('takes the identity that the token gives, not the one it was started with, and says so', async () => {
    writeFileSync(tokenFile, 'shop/other/web-1');
    const agent = await started();
    expect(agent.current()?.identity).to.equal('other.shop.serviceaccount.identity.linkerd.cluster.local');
    expect(log.lines.map(({ message }) => message)).to.include(
      'the certificate names another identity than the pod was started with',
    );
  });

  it('keeps key and certificate for its owner alone (F13)', async () => {
    await started();
    const file = join(folder, 'identity.json');
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8')).keyPem).to.contain('BEGIN PRIVATE KEY');
  });

  it('waits for a token that is missing, and reads it anew for every attempt', async () => {
    rmSync(tokenFile);
    const agent = createAgent();
    await agent.start();
    await eventually('a logged failure', () => log.codes.includes('WEFT_IDENTITY_TOKEN'));
    expect(agent.current()).to.equal(null);
    writeFileSync(tokenFile, 'shop/web/web-1');
    await clock.advance(250);
    await eventually('a certificate', () => agent.current());
  });

  it('reports a refusal with its reason and asks no sooner than told', async () => {
    writeFileSync(tokenFile, 'stolen');
    const agent = createAgent();
    await agent.start();
    await eventually('the refusal', () => log.codes.includes('WEFT_IDENTITY_REFUSED'));
    expect(log.lines.at(-1)?.fields['error']).to.contain('WEFT_SIGNING_TOKEN');
    writeFileSync(tokenFile, 'shop/web/web-1');
    await clock.advance(29_000);
    expect(plane.audit).to.have.length(1);
    await clock.advance(1_000);
    await eventually('a certificate', () => agent.current());
  });

  it('comes back with growing pauses while the service is away, and needs no restart', async () => {
    await plane.stopIdentity();
    const agent = createAgent();
    await agent.start();
    for (const [pauseMs, failures] of [
      [188, 2],
      [375, 3],
      [750, 4],
    ] as const) {
      await eventually('a failed attempt', () => log.codes.length === failures - 1);
      await clock.advance(pauseMs);
    }
    await eventually('the fourth try', () => log.codes.length === 4);
    expect(new Set(log.codes)).to.deep.equal(new Set(['WEFT_CONTROL_CONNECT']));
    await plane.startIdentity();
    await clock.advance(1500);
    await eventually('a certificate', () => agent.current());
  });

  it('renews at 70 % of the life, keeps the key, and tells whoever uses it', async () => {
    const agent = await started();
    const first = serialOf(agent);
    const { keyPem } = agent.current()!.context.credentials;
    let told = 0;
    agent.subscribe(() => {
      told += 1;
    });
    await clock.advance(0.69 * 24 * HOUR_MS);
    expect([told, serialOf(agent)]).to.deep.equal([0, first]);
    await clock.advance(0.02 * 24 * HOUR_MS);
    await eventually('another certificate', () => told === 1);
    expect(serialOf(agent)).to.not.equal(first);
    expect(agent.current()!.context.credentials.keyPem).to.equal(keyPem);
    expect(agent.status).to.include({ renewals: 2, failures: 0 });
  });

  it('notices within half a minute that the wall clock has moved', async () => {
    const agent = await started();
    const first = serialOf(agent);
    jumpMs = 20 * HOUR_MS;
    await clock.advance(30_000);
    await eventually('another certificate', () => serialOf(agent) !== first);
  });

  it('serves on with the old certificate while renewal fails, also past its end', async () => {
    const agent = await started();
    const first = serialOf(agent);
    await plane.stopIdentity();
    jumpMs = 30 * HOUR_MS;
    await clock.advance(30_000);
    await eventually('a failed renewal', () => log.codes.includes('WEFT_CONTROL_CONNECT'));
    expect(serialOf(agent)).to.equal(first);
    expect(agent.current()!.notAfterMs).to.be.lessThan(clock.wallMs() + jumpMs);
    await plane.startIdentity();
    await clock.advance(40_000);
    await eventually('another certificate', () => serialOf(agent) !== first);
  });

  describe('of a restarted container', () => {
    it('serves at once from what the last one kept, without asking', async () => {
      const first = await started();
      first.stop();
      await plane.stopIdentity();
      const second = createAgent();
      await second.start();
      expect(serialOf(second)).to.equal(serialOf(first));
      expect(second.current()!.identity).to.equal(NAME);
      await clock.advance(60_000);
      expect(log.codes).to.deep.equal([]);
    });

    it('renews what it restored when its time comes', async () => {
      (await started()).stop();
      const second = createAgent();
      await second.start();
      const first = serialOf(second);
      await clock.advance(18 * HOUR_MS);
      await eventually('another certificate', () => serialOf(second) !== first);
    });

    it('does not serve with a certificate that has expired meanwhile, but keeps its key', async () => {
      const first = await started();
      const { keyPem } = first.current()!.context.credentials;
      first.stop();
      await plane.stopIdentity();
      jumpMs = 48 * HOUR_MS;
      const second = createAgent();
      await second.start();
      expect(second.current()).to.equal(null);
      await eventually('a failed attempt', () => log.codes.includes('WEFT_CONTROL_CONNECT'));
      await plane.startIdentity();
      await clock.advance(1000);
      await eventually('a certificate', () => second.current());
      expect(second.current()!.context.credentials.keyPem).to.equal(keyPem);
    });

    for (const [what, content] of [
      ['cut short', '{"keyPem":"-----BEGIN'],
      ['of another form', '[]'],
      ['with a key that is none', JSON.stringify(storedWith('no key'))],
    ] as const)
      it(`starts anew from a file that is ${what}`, async () => {
        writeFileSync(join(folder, 'identity.json'), content);
        const agent = await started();
        expect(agent.current()!.identity).to.equal(NAME);
      });
  });

  it('serves although the volume cannot be written, and says so', async () => {
    writeFileSync(join(folder, 'file'), '');
    const peer = { host: '127.0.0.1', port: plane.identityPort, identity: OPERATOR_IDENTITY };
    const agent = new IdentityAgent(
      transport,
      new CertifyClient(transport, resolveHost, peer),
      new IdentityStore(join(folder, 'file', 'below')),
      { name: NAME, tokenFile, trustAnchorsPem: plane.anchorsPem },
      { timers: new FakeTimers(clock), wallMs: () => clock.wallMs(), random: () => 0.5 },
      log,
    );
    agents.push(agent);
    await agent.start();
    await eventually('a certificate', () => agent.current());
    expect(log.codes).to.include('WEFT_IDENTITY_STORE');
  });

  describe('facing somebody who is not the operator', () => {
    function impostor(answer: object | null, identity = OPERATOR_IDENTITY, other = false): Promise<number> {
      const issuer = plane.trust.current!.issuer;
      const authority = other ? createTestAuthority() : { anchor: issuer, issuer, anchorsPem: plane.anchorsPem };
      const { keyPem, chainPem } = createLeaf(authority, identity);
      const server = createServer({ key: keyPem, cert: chainPem, ALPNProtocols: [IDENTITY_ALPN] });
      server.on('secureConnection', (socket: TLSSocket) => {
        socket.on('error', () => {});
        socket.once('data', (chunk) => {
          tokens.push(chunk.toString());
          if (answer !== null) socket.end(encodeFrame(answer));
          else socket.destroy();
        });
      });
      server.on('tlsClientError', () => {});
      servers.push(server);
      return new Promise((resolve) => {
        server.listen(0, '127.0.0.1', () => {
          const address = server.address();
          resolve(typeof address === 'object' && address !== null ? address.port : 0);
        });
      });
    }
    const tokens: string[] = [];

    async function codeOf(port: number): Promise<string> {
      tokens.length = 0;
      const agent = createAgent({ port });
      await agent.start();
      await eventually('a logged failure', () => log.codes.length > 0);
      expect(agent.current()).to.equal(null);
      return log.codes[0]!;
    }

    it('never shows its token to a server of another authority (D7)', async () => {
      expect(await codeOf(await impostor({}, OPERATOR_IDENTITY, true))).to.equal('WEFT_CONTROL_IDENTITY');
      expect(tokens).to.deep.equal([]);
    });

    it('never shows its token to another workload of the mesh (D7)', async () => {
      expect(await codeOf(await impostor({}, NAME))).to.equal('WEFT_CONTROL_IDENTITY');
      expect(tokens).to.deep.equal([]);
    });

    it('refuses an answer that is none', async () => {
      expect(await codeOf(await impostor({ type: 'certificate' }))).to.equal('WEFT_IDENTITY_ANSWER');
    });

    it('refuses a message without end', async () => {
      expect(await codeOf(await impostor({ type: 'error', code: 'X', message: 'y'.repeat(100_000) }))).to.equal(
        'WEFT_FRAMING',
      );
    });

    it('notes an end without an answer', async () => {
      expect(await codeOf(await impostor(null))).to.equal('WEFT_CONTROL_CONNECT');
    });

    it('refuses a certificate for a key that is not its own', async () => {
      const issuer = plane.trust.current!.issuer;
      const { chainPem } = createLeaf({ anchor: issuer, issuer, anchorsPem: plane.anchorsPem }, NAME);
      const answer = {
        type: 'certificate',
        identity: NAME,
        certificateChainPem: chainPem,
        trustAnchorsPem: plane.anchorsPem,
        notBefore: new Date(clock.wallMs()).toISOString(),
        notAfter: new Date(clock.wallMs() + HOUR_MS).toISOString(),
      };
      expect(await codeOf(await impostor(answer))).to.equal('WEFT_TLS_CREDENTIALS');
    });

    it('refuses dates that are no period, or are over', async () => {
      const answer = { type: 'certificate', identity: NAME, certificateChainPem: 'x', trustAnchorsPem: 'x' };
      const never = { ...answer, notBefore: 'yesterday', notAfter: 'tomorrow' };
      expect(await codeOf(await impostor(never))).to.equal('WEFT_IDENTITY_ANSWER');
      log.lines.length = 0;
      const over = { ...answer, notBefore: '2020-01-01T00:00:00Z', notAfter: '2020-01-02T00:00:00Z' };
      expect(await codeOf(await impostor(over))).to.equal('WEFT_IDENTITY_ANSWER');
    });
  });

  describe('given a new trust bundle', () => {
    it('uses it for new connections and keeps it for a restarted container', async () => {
      const agent = await started();
      const both = plane.anchorsPem + createTestAuthority().anchorsPem;
      agent.replaceAnchors(both);
      expect(agent.current()!.context.credentials.anchorsPem).to.equal(both);
      agent.stop();
      const second = createAgent();
      await second.start();
      expect(second.anchorsPem).to.equal(both);
    });

    it('changes nothing when it does not parse', async () => {
      const agent = await started();
      const before = agent.current();
      const garbage = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
      expect(() => agent.replaceAnchors(garbage)).to.throw(CodedError);
      expect(agent.current()).to.equal(before);
    });
  });
});

function storedWith(keyPem: string): object {
  const rest = { identity: NAME, certificateChainPem: '', anchorsPem: '', notBeforeMs: 0, notAfterMs: 1, renewAtMs: 0 };
  return { keyPem, ...rest };
}

function bound(clock: FakeClock) {
  return {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    schedule: (delayMs: number, run: () => void) => clock.schedule(delayMs, run),
  };
}
