import { expect } from 'chai';
import { parseTraffic } from '../../../crds/annotations/traffic.ts';
import { compilePolicy } from '../../../crds/compile/outbound/policy.ts';
import type { OutboundPort } from '../../../crds/compile/outbound/port.ts';
import type { RuleSource } from '../../../crds/compile/outbound/rules.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { nameOf } from '../../../crds/kinds/service/authority.ts';
import { recording } from '../../../crds/state/recording.ts';
import { MATCHES_ALL } from '../../../proxy-image/contract/policy/match.ts';
import { NO_TIMEOUTS } from '../../../proxy-image/contract/policy/timeouts.ts';
import { profile, route, service, servicePort, TestCluster } from '../../support/models.ts';
import { applyAll, service as body, ManualClock, newState, request, SERVICE_KEY, set } from '../core/fixtures.ts';

/** A made-up kind: everything under `/maintenance` is answered by 503. Such a source is one file, and one line in the list of sources. */
const maintenance: RuleSource = (_port, tables) => {
  const meta = { group: 'example.org', kind: 'Maintenance', namespace: 'app', name: 'web', section: '', port: 0 };
  const policy = {
    origin: tables.origin(meta),
    filters: [{ type: 'fail', status: 503, grpcStatus: 14, message: 'closed', ratio: 1 } as const],
    distribution: tables.distribution([]),
    retry: null,
    timeouts: NO_TIMEOUTS,
    classes: [],
  };
  tables.rules.push({
    match: { type: 'pathPrefix', path: '/maintenance' },
    section: 'all',
    policy: tables.policy(policy),
  });
  return tables.policy({ ...policy, filters: [] });
};

const silent: RuleSource = () => null;

function portOf(withProfile = false): OutboundPort {
  const cluster = new TestCluster();
  const web = service('web', '10.0.0.1');
  cluster.apply('Service', web);
  const found = withProfile ? profile('web', { routes: [route('r', { match: MATCHES_ALL })] }) : null;
  return {
    view: recording(cluster.state).view,
    mesh: DEFAULT_MESH,
    service: web,
    name: nameOf(web),
    port: servicePort(80),
    family: 'ipv4',
    clientNamespace: '',
    profile: found,
    traffic: parseTraffic({}, DEFAULT_MESH).traffic,
  };
}

describe('sources of rules', () => {
  it('take one more by one file and one line: from it to the decision of a proxy', () => {
    const policy = compilePolicy(portOf(), 'detect', [silent, maintenance]);
    const state = newState(new ManualClock());
    applyAll(state, set(SERVICE_KEY, { ...body(), policy }));
    const { entry } = state.destination('10.96.0.1', 80);
    if (entry?.kind !== 'service') throw new Error('no Service');
    const decide = (target: string) => entry.routes.match(request('GET', target));
    expect([decide('/maintenance/now').name, decide('/other').name]).to.deep.equal(['all', '']);
    expect(decide('/maintenance').policy.origin.kind).to.equal('Maintenance');
  });

  it('are asked in order, and the first that has something to say of a port says all', () => {
    const kindsOf = (...sources: RuleSource[]) =>
      compilePolicy(portOf(), 'detect', sources).origins.map(({ kind }) => kind);
    const other: RuleSource = (port, tables) => maintenance({ ...port }, tables);
    expect(kindsOf(silent, maintenance, other)).to.deep.equal(['Maintenance']);
    expect(kindsOf(silent)).to.deep.equal(['default']);
  });

  it('put a profile with routes first (Linkerd: outbound policy precedence), and one without routes says nothing of requests', () => {
    expect(compilePolicy(portOf(true), 'detect').origins.map(({ kind }) => kind)).to.deep.equal(['ServiceProfile']);
    expect(compilePolicy(portOf(), 'detect').origins.map(({ kind }) => kind)).to.deep.equal(['default']);
  });

  it('share what is equal: 5,000 routes that are treated alike are one policy', () => {
    const routes = Array.from({ length: 5_000 }, (_, i) =>
      route(`r${i}`, { match: { type: 'path', regex: `/r/${i}` } }),
    );
    const policy = compilePolicy({ ...portOf(), profile: profile('web', { routes }) }, 'detect');
    expect([policy.rules.length, policy.policies.length, policy.distributions.length]).to.deep.equal([5_000, 1, 1]);
  });
});
