import { expect } from 'chai';
import { MESH_ROW } from '../../../crds/kinds/mesh/kind.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { type MeshFacts, meshReport, reconcileMesh } from '../../../operator/reconcilers/mesh.ts';
import type { HeldAuthority } from '../../../operator/status/authority.ts';
import { NO_LACKS } from '../../../operator/status/lacks.ts';
import { rawSplit, recordingPublisher, signal } from './status-rig.ts';

describe('status of the Mesh', () => {
  const DAY_MS = 86_400_000;
  const authority = (name: HeldAuthority['name'], dates: Omit<HeldAuthority, 'name' | 'secret'>): HeldAuthority => ({
    name,
    secret: `secret-of-${name}`,
    ...dates,
  });
  const kept = authority('issuer', { notAfterMs: 100 * DAY_MS, renewAtMs: null, warnAtMs: 70 * DAY_MS });
  const facts = (overrides: Partial<MeshFacts> = {}): MeshFacts => ({
    certificates: {
      anchorNotAfterMs: 1_000 * DAY_MS,
      issuerNotAfterMs: 100 * DAY_MS,
      trustedAnchors: 1,
      isCrossing: false,
    },
    authorities: [
      authority('anchor', { notAfterMs: 1_000 * DAY_MS, renewAtMs: 700 * DAY_MS, warnAtMs: 850 * DAY_MS }),
      authority('issuer', { notAfterMs: 100 * DAY_MS, renewAtMs: 70 * DAY_MS, warnAtMs: 85 * DAY_MS }),
      authority('webhook-ca', { notAfterMs: 1_000 * DAY_MS, renewAtMs: 700 * DAY_MS, warnAtMs: 850 * DAY_MS }),
    ],
    settings: DEFAULT_MESH.identity,
    certificateProblems: [],
    renewalProblems: [],
    rotation: null,
    proxies: { connected: 5, current: 4, unseen: '', patienceMs: 0 },
    definitionProblems: [],
    operatorReplicas: 2,
    otherInjectors: [],
    lacks: NO_LACKS,
    liveNumbers: { is: 'reached' },
    ...overrides,
  });
  const mesh = {
    meta: rawSplit().metadata,
    deleting: false,
    parsed: { model: DEFAULT_MESH, problems: [] },
    status: undefined,
  };
  const resource = mesh as unknown as Parameters<typeof meshReport>[0];
  const find = (report: ReturnType<typeof meshReport>, type: string) =>
    report.conditions.find((each) => each.type === type);

  it('counts proxies and replicas and tells when certificates end', () => {
    const report = meshReport(resource, facts(), 0);
    expect(report.verdict.outcome).to.equal('ready');
    expect(report.fields).to.deep.equal({
      proxies: '4/5',
      operatorReplicas: 2,
      anchorExpiry: '1972-09-27T00:00:00Z',
      issuerExpiry: '1970-04-11T00:00:00Z',
      anchorRenewal: '1971-12-02T00:00:00Z',
      issuerRenewal: '1970-03-12T00:00:00Z',
      trustedAnchors: 1,
    });
    expect(find(report, 'CertificatesValid')).to.include({ status: 'True', reason: 'Valid' });
  });

  it('tells where a rotation is, what it waits for, and which values were carried out; nothing where none was ever asked for', () => {
    const rotation: MeshFacts['rotation'] = {
      phase: 'Trusting',
      sinceMs: 10_000,
      holding: { have: 3, of: 5 },
      waits: '2 of 5 connected proxies have not taken the new anchor yet',
      done: { anchor: '1', issuer: '', leaf: '' },
    };
    const told = (state: MeshFacts['rotation']) =>
      meshReport(resource, facts({ rotation: state }), 0).fields['rotation'];
    expect(told(rotation)).to.deep.equal({
      anchor: '1',
      phase: 'Trusting',
      since: '1970-01-01T00:00:10Z',
      proxies: '3/5',
      message: '2 of 5 connected proxies have not taken the new anchor yet',
    });
    const over = { ...rotation, phase: 'Done', holding: null, waits: '' } as const;
    expect(told(over)).to.deep.equal({ anchor: '1', phase: 'Done', since: '1970-01-01T00:00:10Z' });
    expect(told({ ...over, sinceMs: 0, done: { anchor: '', issuer: '', leaf: '' } })).to.equal(undefined);
    expect(told(null)).to.equal(undefined);
  });

  const certificates: [string, Partial<MeshFacts>, number, object][] = [
    ['is due and may still be renewed', {}, 71 * DAY_MS, { status: 'True', reason: 'Valid' }],
    ['was not renewed long after it was due', {}, 85 * DAY_MS, { status: 'True', reason: 'ExpiresSoon' }],
    [
      'could not be renewed',
      { renewalProblems: ['no right'] },
      71 * DAY_MS,
      { status: 'True', reason: 'RenewalFailed' },
    ],
    ['is kept by others and ends', { authorities: [kept] }, 70 * DAY_MS, { status: 'True', reason: 'ExpiresSoon' }],
    [
      'follows a new anchor',
      { certificates: { anchorNotAfterMs: 9e11, issuerNotAfterMs: 9e11, trustedAnchors: 2, isCrossing: true } },
      0,
      { status: 'True', reason: 'AnchorRenewal' },
    ],
    ['has ended', {}, 100 * DAY_MS, { status: 'False', reason: 'Expired' }],
    ['is not there yet', { certificates: null }, 0, { status: 'Unknown', reason: 'Pending' }],
    ['cannot be read', { certificateProblems: ['no key'] }, 0, { status: 'False', reason: 'SecretUnusable' }],
  ];
  for (const [name, overrides, nowMs, expected] of certificates) {
    it(`says when the issuer ${name}`, () => {
      expect(find(meshReport(resource, facts(overrides), nowMs), 'CertificatesValid')).to.include(expected);
    });
  }

  it('names the Secret that somebody else has to renew, and gives no time of renewal for it', () => {
    const report = meshReport(resource, facts({ authorities: [kept] }), 71 * DAY_MS);
    expect(find(report, 'CertificatesValid')!.message).to.contain('secret-of-issuer').and.contain('1970-04-11');
    expect(report.fields).not.to.have.property('issuerRenewal');
    expect(report.verdict.outcome).to.equal('ready');
  });

  it('waits for certificates, and for the issuer that was asked for', () => {
    expect(meshReport(resource, facts({ certificates: null }), 0).verdict).to.deep.equal({
      outcome: 'waiting',
      message: 'there is no issuer yet',
    });
    expect(meshReport(resource, facts({ certificateProblems: ['a', 'b'] }), 0).verdict).to.include({ message: 'a; b' });
  });

  it('names other injectors and what that means', () => {
    const condition = find(meshReport(resource, facts({ otherInjectors: ['linkerd'] }), 0), 'SingleInjector');
    expect(condition).to.include({ status: 'False', reason: 'OtherInjectorFound' });
    expect(condition!.message).to.contain('weft.dev/mesh=weft');
  });

  it('gives no number of proxies where some may be connected to another replica', () => {
    const unseen = 'the proxies of one operator replica are not known';
    const report = (patienceMs: number) =>
      meshReport(resource, facts({ proxies: { connected: 5, current: 4, unseen, patienceMs } }), 0, '7/7');
    expect(report(0).fields).to.include({ proxies: 'unknown', operatorReplicas: 2 });
    expect(report(1).fields, 'for a moment only').to.include({ proxies: '7/7' });
  });

  it('says which definitions have no status, and what replaces them, and stays ready', () => {
    const report = meshReport(resource, facts({ definitionProblems: ['servers.policy.linkerd.io has no status'] }), 0);
    const condition = find(report, 'DefinitionsComplete');
    expect(condition).to.include({ status: 'False', reason: 'DefinitionOfOthers' });
    expect(condition!.message).to.match(/servers\.policy\.linkerd\.io has no status.*--upgrade-crds/);
    expect(report.verdict.outcome).to.equal('ready');
    expect(find(meshReport(resource, facts(), 0), 'DefinitionsComplete')).to.include({ status: 'True' });
  });

  it('counts pods that should have a proxy and have none, by namespace, and stays ready', () => {
    const namespaces = [
      { name: 'shop', pods: 12 },
      { name: 'cart', pods: 3 },
    ];
    const report = meshReport(
      resource,
      facts({ lacks: { missed: 2, perhapsOlder: 15, namespaces, otherNamespaces: 2 } }),
      0,
    );
    expect(find(report, 'PodsInjected')).to.deep.equal({
      type: 'PodsInjected',
      status: 'False',
      reason: 'PodsWithoutProxy',
      message:
        'pods that should have a proxy and have none: 17, 2 of them made after it was asked for; in shop (12), cart (3) and 2 more namespaces; weft check --proxy names them, and what to do',
    });
    expect(report.verdict.outcome).to.equal('ready');
    expect(find(meshReport(resource, facts(), 0), 'PodsInjected')).to.include({ status: 'True', reason: 'Complete' });
  });

  it('says whether API servers reach the live numbers, and stays ready', () => {
    const of = (liveNumbers: MeshFacts['liveNumbers']) => {
      const report = meshReport(resource, facts({ liveNumbers }), 0);
      expect(report.verdict.outcome).to.equal('ready');
      return find(report, 'LiveNumbersReached')!;
    };
    expect(of({ is: 'reached' })).to.include({ status: 'True', reason: 'Reached' });
    expect(of({ is: 'unknown' })).to.include({ status: 'Unknown', reason: 'NotKnown' });
    const told = of({ is: 'unreached', reason: 'FailedDiscoveryCheck: i/o timeout' });
    expect(told).to.include({ status: 'False', reason: 'NotReached' });
    expect(told.message).to.contain('FailedDiscoveryCheck: i/o timeout').and.to.contain('every ten minutes');
  });

  it('is Stalled where its settings are wrong', () => {
    const problems = [{ severity: 'error' as const, path: 'spec.x', message: 'must not be' }];
    const wrong = { ...resource, parsed: { model: null, problems } };
    const report = meshReport(wrong, facts(), 0);
    expect(report.verdict).to.deep.equal({ outcome: 'invalid', reason: 'Invalid', message: 'spec.x: must not be' });
    expect(find(report, 'Accepted')).to.include({ status: 'False' });
  });

  it('says nothing of a new issuer before its Secrets have been looked at', async () => {
    const { publisher, written, clock } = recordingPublisher(MESH_ROW);
    const identity = { ...DEFAULT_MESH.identity, issuer: { type: 'Secret' as const, name: 'of-others' } };
    const known = { now: facts() };
    const changed = { ...resource, parsed: { model: { ...DEFAULT_MESH, identity }, problems: [] } };
    const given = { find: () => changed, facts: () => known.now, publisher, clock };
    await reconcileMesh(given, 'default', signal);
    // It says that it looks, once, because nobody has said anything so far.
    expect(written.map(({ status }) => status.observedGeneration)).to.deep.equal([-1]);
    known.now = facts({ settings: identity, certificateProblems: ['no Secret of-others'] });
    await reconcileMesh(given, 'default', signal);
    expect(written.at(-1)!.status.observedGeneration).to.equal(1);
    expect(written.at(-1)!.status.conditions[0]).to.include({ type: 'Ready', status: 'False' });
  });

  it('is brought up to date every ten seconds, while there is a Mesh', async () => {
    const { publisher, written, clock } = recordingPublisher(MESH_ROW);
    const held = new Map([['default', resource]]);
    const given = { find: (key: string) => held.get(key), facts: () => facts(), publisher, clock };
    expect(await reconcileMesh(given, 'default', signal)).to.deep.equal({ requeueAfterMs: 10_000 });
    expect(written.at(-1)!.status).to.include({ proxies: '4/5' });
    held.clear();
    expect(await reconcileMesh(given, 'default', signal)).to.equal(undefined);
  });
});
