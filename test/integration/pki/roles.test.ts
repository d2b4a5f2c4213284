import { expect } from 'chai';
import { Registry } from 'prom-client';
import { MESH } from '../../../crds/kinds/mesh/model.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { Certificates, type CertificatesOptions } from '../../../operator/certificates.ts';
import { issueLeaf } from '../../../operator/pki/authority.ts';
import { generateKeyPair } from '../../../operator/pki/certificate.ts';
import { TrustPublisher } from '../../../operator/pki/publisher.ts';
import { RequestError } from '../../../operator/runtime/errors.ts';
import { silentLog } from '../../../operator/runtime/log.ts';
import { registerCertificateMetrics } from '../../../operator/telemetry/certificate-metrics.ts';
import { FakeClock } from '../../fakes/clock.ts';
import { MemorySecrets } from '../../fakes/secrets.ts';
import { meta } from '../../support/models.ts';
import { isAccepted } from '../../support/verify-chain.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Short lives, so that all that is renewed is renewed several times. */
const DAYS = 20;
const MESH_OF_DAYS = {
  ...DEFAULT_MESH,
  identity: {
    ...DEFAULT_MESH.identity,
    anchorLifetimeMs: 12 * DAY_MS,
    issuerLifetimeMs: 4 * DAY_MS,
    certificateLifetimeMs: DAY_MS,
  },
};

class ClusterSecrets extends MemorySecrets {
  readonly newestVersion = '1';
}

describe('a control plane whose roles are processes of their own', () => {
  const clock = new FakeClock({ wallOffsetMs: 1_800_000_000_000 });
  const secrets = new ClusterSecrets();
  secrets.serverMs = () => clock.wallMs();

  function start(own: Pick<CertificatesOptions, 'received' | 'publisher'>): Certificates {
    const state = new ClusterState(KINDS);
    state.apply(MESH, MESH_OF_DAYS, meta('default', { namespace: '' }));
    const certificates: Certificates = new Certificates({
      ...own,
      secrets,
      configMaps: { get: async () => null },
      state,
      changed: () => {},
      problemsChanged: () => {},
      proxies: async () => null,
      tell: () => {},
      observer: registerCertificateMetrics(
        new Registry(),
        () => certificates.dates(),
        () => clock.wallMs(),
      ),
      webhookHosts: [],
      clock,
      log: silentLog,
    });
    void certificates.start();
    return certificates;
  }

  const leader = start({ publisher: new TrustPublisher(secrets, clock) });
  const config = start({ received: { signer: false, webhookAuthority: false, control: true } });
  const identity = start({ received: { signer: true, webhookAuthority: false, control: false } });
  const webhooks = start({ received: { signer: false, webhookAuthority: true, control: false } });
  const all = [leader, config, identity, webhooks];

  const isAgreed = () => new Set(all.map(({ trust }) => trust.generation)).size === 1;

  after(() => Promise.all(all.map((each) => each.stop())));

  it('has its certificates as soon as one leads, and each process those of its roles', async () => {
    await leader.lead();
    await clock.leap(2_000);
    expect(all.map(({ control }) => control.current !== null)).to.deep.equal([true, true, true, false]);
    expect(all.map(({ webhook }) => webhook.current !== null)).to.deep.equal([true, false, false, true]);
    expect(new Set(all.map(({ trust }) => trust.generation)).size).to.equal(1);
  });

  it('goes on where one that leads may not write for the others, as with a Role of before', async () => {
    const publisher = new TrustPublisher(secrets, clock);
    publisher.publish = async () => {
      throw new RequestError('Forbidden', 'secrets "weft-identity-trust" is forbidden');
    };
    const old = start({ publisher });
    await old.lead();
    await clock.leap(2_000);
    expect(old.problems).to.deep.equal([]);
    expect(old.control.current).not.to.equal(null);
    await old.stop();
  });

  it('goes on for as long as it runs: whatever is renewed, everybody trusts and proves what is of the day', async () => {
    const seen = { issuers: new Set<string>(), anchors: new Set<string>(), control: new Set<string>() };
    const { publicKey } = generateKeyPair();
    for (let hour = 0; hour < DAYS * 24; hour++) {
      await clock.leap(HOUR_MS);
      // What the leader has just written is read within so long.
      for (let look = 0; look < 3 && !isAgreed(); look++) await clock.leap(15_000);
      const nowMs = clock.wallMs();
      const at = `hour ${hour}`;
      for (const { trust } of all) expect(trust.generation, at).to.equal(leader.trust.generation);
      const { anchorsPem } = config.trust.current!;
      for (const { control } of [leader, config, identity])
        expect(isAccepted(control.current!.certPem, anchorsPem, nowMs), at).to.equal(true);
      const issuer = identity.trust.current!.issuer!;
      const leaf = issueLeaf(issuer, { publicKey, dnsNames: ['web.shop'], lifetimeMs: DAY_MS, nowMs });
      expect(isAccepted(leaf.chainPem, anchorsPem, nowMs), at).to.equal(true);
      seen.issuers.add(issuer.certificate.serialNumber);
      seen.anchors.add(anchorsPem);
      seen.control.add(config.control.current!.certPem);
    }
    expect(seen.issuers.size, 'issuers').to.be.greaterThan(4);
    expect(seen.anchors.size, 'bundles').to.be.greaterThan(2);
    expect(seen.control.size, 'certificates of the operator').to.be.greaterThan(DAYS);
  }).timeout(60_000);
});
