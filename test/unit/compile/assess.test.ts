import { expect } from 'chai';
import type { Assessment } from '../../../crds/kinds/assessment.ts';
import { assessServer } from '../../../crds/kinds/server/assess.ts';
import type { ServerModel } from '../../../crds/kinds/server/model.ts';
import { assessServerAuthorization } from '../../../crds/kinds/server-authorization/assess.ts';
import { assessProfile } from '../../../crds/kinds/service-profile/assess.ts';
import type { ServiceProfileModel } from '../../../crds/kinds/service-profile/model.ts';
import { assessSplit } from '../../../crds/kinds/traffic-split/assess.ts';
import type { TrafficSplitModel } from '../../../crds/kinds/traffic-split/model.ts';
import {
  authorization,
  override,
  pod,
  profile,
  server,
  service,
  servicePort,
  slice,
  sliceEndpoint,
  split,
  type TestCluster,
  webCluster,
} from '../../support/models.ts';

/** `outcome accepted/resolved`: what the conditions say, in short. */
function inShort({ verdict, accepted, resolvedRefs }: Assessment): string {
  return `${verdict.outcome} ${accepted.reason}/${resolvedRefs.reason}`;
}

/** `web` with pods, and a canary with one endpoint. */
function cluster(): TestCluster {
  const created = webCluster();
  created.apply('Service', service('canary', '10.0.0.3'));
  created.apply('EndpointSlice', slice('canary-x', 'canary', [sliceEndpoint('10.1.0.3')]));
  return created;
}

const READY = 'ready Accepted/ResolvedRefs';

describe('assess: TrafficSplit', () => {
  function assess(on: TestCluster, one: TrafficSplitModel): Assessment {
    on.apply('TrafficSplit', one);
    return assessSplit(on.state, one);
  }

  const CANARY = split('s', 'web', { web: 90, canary: 10 });

  it('is ready when everything is there', () => {
    expect(inShort(assess(cluster(), CANARY))).to.equal(READY);
  });

  it('waits for its Service', () => {
    expect(inShort(assess(cluster(), split('s', 'gone', { web: 1 })))).to.equal('waiting Accepted/ServiceNotFound');
  });

  it('cannot split headless and ExternalName Services, or one without TCP', () => {
    const on = cluster();
    on.apply('Service', service('headless', '', { headless: true }));
    on.apply('Service', service('external', '', { type: 'ExternalName', headless: false }));
    on.apply('Service', service('udp', '10.0.0.8', { ports: [servicePort(53, { protocol: 'UDP' })] }));
    for (const root of ['headless', 'external', 'udp']) {
      const found = inShort(assess(on, split(`s-${root}`, root, { web: 1 })));
      expect(found, root).to.equal('invalid UnsupportedService/ResolvedRefs');
    }
  });

  it('waits for missing backends, then for missing ports, then for endpoints', () => {
    const on = cluster();
    const both = split('s', 'web', { new: 1, web: 1 });
    expect(inShort(assess(on, both))).to.equal('waiting Accepted/BackendNotFound');
    on.apply('Service', service('new', '10.0.0.9', { ports: [servicePort(81)] }));
    const portless = assess(on, both);
    expect(inShort(portless)).to.equal('waiting Accepted/BackendPortNotFound');
    expect(portless.resolvedRefs.message).to.equal('Service app/new has no TCP port 80');
    on.apply('Service', service('new', '10.0.0.9'));
    expect(inShort(assess(on, both))).to.equal('waiting Accepted/BackendWithoutEndpoints');
    on.apply('EndpointSlice', slice('n', 'new', [sliceEndpoint('10.1.0.8', { ready: false })]));
    expect(inShort(assess(on, both))).to.equal('waiting Accepted/BackendWithoutEndpoints');
    on.apply('EndpointSlice', slice('n', 'new', [sliceEndpoint('10.1.0.8')]));
    expect(inShort(assess(on, both))).to.equal(READY);
  });

  it('needs no endpoints of a backend without weight', () => {
    const on = cluster();
    on.apply('Service', service('new', '10.0.0.9'));
    expect(inShort(assess(on, split('s', 'web', { new: 0, web: 1 })))).to.equal(READY);
  });

  it('says so when all weights are zero', () => {
    const found = assess(cluster(), split('s', 'web', { web: 0, canary: 0 }));
    expect(inShort(found)).to.equal('ready NoWeights/ResolvedRefs');
    expect(found.verdict.message).to.contain('all weights are 0');
  });

  it('is overruled by an older split, which is not', () => {
    const on = cluster();
    const older = split('z', 'web', { canary: 1 }, { creationTimestamp: '2025-01-01T00:00:00Z' });
    expect(inShort(assess(on, older))).to.equal(READY);
    const newer = assess(on, CANARY);
    expect(inShort(newer)).to.equal('conflicted Conflicted/ResolvedRefs');
    expect(newer.verdict.message).to.contain('TrafficSplit app/z is older');
    expect(inShort(assessSplit(on.state, older))).to.equal(READY);
  });

  it('is overruled by dstOverrides, not by routes, and not by a profile in the namespace of a client', () => {
    const on = cluster();
    on.apply('ServiceProfile', profile('web'));
    on.apply('ServiceProfile', profile('web', { meta: { namespace: 'client' }, dstOverrides: [override('web', 1)] }));
    expect(inShort(assess(on, CANARY))).to.equal(READY);
    on.apply('ServiceProfile', profile('web', { dstOverrides: [override('web', 1)] }));
    expect(inShort(assess(on, CANARY))).to.equal('conflicted Conflicted/ResolvedRefs');
  });
});

describe('assess: ServiceProfile', () => {
  const cases: [string, ServiceProfileModel, string][] = [
    ['of a Service', profile('web'), READY],
    ['of a Service, in the namespace of a client', profile('web', { meta: { namespace: 'client' } }), READY],
    ['with a name that is no Service', profile('web', { target: null }), 'invalid NoService/ResolvedRefs'],
    [
      'of another cluster domain',
      profile('web', { target: { service: 'web', namespace: 'app', domain: 'other.example' } }),
      'invalid OtherClusterDomain/ResolvedRefs',
    ],
    [
      'of a missing Service',
      profile('x', { target: { service: 'x', namespace: 'app', domain: 'cluster.local' } }),
      'waiting Accepted/ServiceNotFound',
    ],
    [
      'with a missing backend',
      profile('web', { dstOverrides: [override('gone', 1)] }),
      'waiting Accepted/BackendNotFound',
    ],
    [
      'with a missing port',
      profile('web', { dstOverrides: [override('canary', 1, 99)] }),
      'waiting Accepted/BackendPortNotFound',
    ],
    ['with backends', profile('web', { dstOverrides: [override('canary', 1), override('web', 9)] }), READY],
    [
      'with a budget out of range',
      profile('web', { retryBudget: { ratio: 0.2, minRetriesPerSecond: 1, ttlMs: 61_000 } }),
      'invalid InvalidRetryBudget/ResolvedRefs',
    ],
  ];
  for (const [name, one, expected] of cases) {
    it(`${name}: ${expected}`, () => {
      expect(inShort(assessProfile(cluster().state, one))).to.equal(expected);
    });
  }
});

describe('assess: Server', () => {
  function assess(on: TestCluster, one: ServerModel): Assessment {
    on.apply('Server', one);
    return assessServer(on.state, one);
  }

  it('is ready on the pods that it selects, and without any', () => {
    expect(assess(cluster(), server('s')).verdict.message).to.equal('applies to 2 of 2 ports of 2 pods');
    const podSelector = { matchLabels: { app: 'none' }, matchExpressions: [] };
    expect(inShort(assess(cluster(), server('s', { podSelector })))).to.equal(READY);
  });

  it('waits for a container port of its name', () => {
    expect(inShort(assess(cluster(), server('s', { port: 'grpc' })))).to.equal('waiting Accepted/PortNotFound');
    expect(inShort(assess(cluster(), server('s', { port: 'http' })))).to.equal(READY);
  });

  it('does not support external workloads', () => {
    const found = inShort(assess(cluster(), server('s', { podSelector: null })));
    expect(found).to.equal('invalid UnsupportedSelector/ResolvedRefs');
  });

  it('cannot judge what bypasses the proxy, or is the proxy itself, and says so; the admin port it can', () => {
    const on = cluster();
    for (const [port, expected] of [
      [4143, 'invalid ProxyPort/ResolvedRefs'],
      [4190, 'invalid ProxyPort/ResolvedRefs'],
      ['linkerd-proxy', 'invalid ProxyPort/ResolvedRefs'],
      [4191, READY],
      ['linkerd-admin', READY],
    ] as const) {
      const containerPorts = [
        { name: 'linkerd-proxy', port: 4143 },
        { name: 'linkerd-admin', port: 4191 },
      ];
      on.apply('Pod', pod('web-1', '10.1.0.1', { containerPorts }), pod('web-2', '10.1.0.2', { containerPorts }));
      expect(inShort(assess(on, server('s', { port }))), String(port)).to.equal(expected);
    }
    const skipInboundPorts: [number, number][] = [[9000, 9010]];
    on.apply('Pod', pod('web-1', '10.1.0.1', { skipInboundPorts }));
    const partly = assess(on, server('s', { port: 9005 }));
    expect(partly.verdict.message).to.equal(
      'applies to 1 of 2 ports of 2 pods; 1 that bypass the proxy (skip-inbound-ports), so that nothing is judged',
    );
    on.apply('Pod', pod('web-2', '10.1.0.2', { skipInboundPorts }));
    expect(inShort(assess(on, server('s', { port: 9005 })))).to.equal('invalid SkippedPort/ResolvedRefs');
  });

  it('says that an identity admits nobody to the admin port, where that was meant', () => {
    const note = /the admin port is asked in plaintext/;
    const admin = { port: 4191 };
    expect(assess(cluster(), server('s', admin)).verdict.message).not.to.match(note);
    expect(assess(cluster(), server('s', { ...admin, accessPolicy: 'all-authenticated' })).verdict.message).to.match(
      note,
    );
    const on = cluster();
    on.apply('ServerAuthorization', authorization('a', { server: { name: 's' }, client: { type: 'unauthenticated' } }));
    expect(assess(on, server('s', admin)).verdict.message).not.to.match(note);
    on.apply('ServerAuthorization', authorization('a', { server: { name: 's' } }));
    expect(assess(on, server('s', admin)).verdict.message).to.match(note);
    expect(assess(on, server('s', { port: 8080 })).verdict.message).not.to.match(note);
  });

  it('says of pods without a proxy that nothing is judged there', () => {
    const on = cluster();
    on.apply('Pod', pod('web-1', '10.1.0.1', { meshed: false }), pod('web-2', '10.1.0.2', { meshed: false }));
    const { verdict } = assess(on, server('s'));
    expect(verdict.outcome).to.equal('ready');
    expect(verdict.message).to.equal('selects 2 ports of pods without a proxy, where nothing is judged');
  });

  it('is overruled where an older one has the port; entirely or in part', () => {
    const on = cluster();
    on.apply('Pod', pod('web-2', '10.1.0.2', { meta: { labels: { app: 'web', tier: 'x' } } }));
    const older = { meta: { creationTimestamp: '2025-01-01T00:00:00Z' } };
    const podSelector = { matchLabels: { tier: 'x' }, matchExpressions: [] };
    expect(inShort(assess(on, server('old', { ...older, podSelector })))).to.equal(READY);
    const partly = assess(on, server('new'));
    expect(inShort(partly)).to.equal(READY);
    expect(partly.verdict.message).to.equal('applies to 1 of 2 ports of 2 pods; on 1 of them Server app/old is older');
    expect(inShort(assess(on, server('newest', { podSelector })))).to.equal('conflicted Conflicted/ResolvedRefs');
  });
});

describe('assess: ServerAuthorization', () => {
  it('waits for the Server that it names', () => {
    const on = cluster();
    expect(inShort(assessServerAuthorization(on.state, authorization('a')))).to.equal(
      'waiting Accepted/ServerNotFound',
    );
    on.apply('Server', server('web'));
    expect(inShort(assessServerAuthorization(on.state, authorization('a')))).to.equal(READY);
  });

  it('waits for a Server that it selects', () => {
    const on = cluster();
    const selector = { matchLabels: { tier: 'front' }, matchExpressions: [] };
    const one = authorization('a', { server: { selector } });
    on.apply('Server', server('web'));
    expect(inShort(assessServerAuthorization(on.state, one))).to.equal('waiting Accepted/ServerNotFound');
    on.apply('Server', server('web', { meta: { labels: { tier: 'front' } } }));
    expect(inShort(assessServerAuthorization(on.state, one))).to.equal(READY);
  });
});
