import { expect } from 'chai';
import { type Expected, expected } from './oracle.ts';
import { type Scenario, scenario } from './scenario.ts';
import { observed } from './world.ts';

/** Half a second; the combinations of all choices are some hundred million. */
const SCENARIOS = 3_000;

/** Ports of the proxy itself are nobody's to be judged, and no port is none. */
function comparable({ redirected, targetPort, ...rest }: Expected): Partial<Expected> {
  const { stranger, meshed, ...always } = rest;
  return { targetPort, redirected, ...always, ...(redirected ? { stranger, meshed } : {}) };
}

function told(of: Scenario): string {
  try {
    return JSON.stringify(comparable(observed(of)));
  } catch (error) {
    return String(error);
  }
}

describe('from raw objects to the decisions of two proxies, beside an oracle written from the documentation', () => {
  it(`agrees in ${SCENARIOS} generated combinations of ports, annotations, Servers, probes and meshes`, function () {
    this.timeout(60_000);
    const differing: string[] = [];
    for (let seed = 1; seed <= SCENARIOS && differing.length < 5; seed++) {
      const of = scenario(seed);
      const found = told(of);
      const wanted = JSON.stringify(comparable(expected(of)));
      if (found !== wanted) differing.push(`scenario ${seed}: ${found}, not ${wanted}\n${JSON.stringify(of)}`);
    }
    expect(differing.join('\n\n')).to.equal('');
  });

  it('meets every kind of case many times', () => {
    const kinds: Record<string, (of: Scenario, wanted: Expected) => boolean> = {
      'opaque by the Service': ({ service }) => Object.keys(service.annotations).length > 0,
      'opaque by the pod': ({ pod }) => 'config.linkerd.io/opaque-ports' in pod.annotations,
      'opaque by the namespace': ({ namespace }) => 'config.linkerd.io/opaque-ports' in namespace.annotations,
      'opaque by a Server': ({ server }, { caller }) => server?.proxyProtocol === 'opaque' && caller === 'opaque',
      'opaque by a profile': ({ profileOpaquePorts }) => profileOpaquePorts.length > 0,
      'opaque by appProtocol': ({ service }) => service.appProtocol === 'linkerd.io/opaque',
      'ports that were moved': ({ pod }) => 'config.linkerd.io/admin-port' in pod.annotations,
      'a port that is usually the proxy’s': (_, { targetPort, identity }) => targetPort === 4191 && identity !== null,
      'skipped ports': ({ mesh }, { targetPort, redirected }) => mesh === 'ours' && targetPort !== 0 && !redirected,
      'ranges that demand an identity': ({ pod, server }, { stranger, meshed }) =>
        server === null &&
        !stranger &&
        meshed &&
        'config.linkerd.io/proxy-require-identity-inbound-ports' in pod.annotations,
      'another mesh': ({ mesh }) => mesh === 'foreign',
      'probes under deny': (_, { stranger, meshed, probe }) => !stranger && !meshed && probe === true,
      detection: (_, { caller }) => caller === 'detect',
    };
    const counts = Object.fromEntries(Object.keys(kinds).map((kind) => [kind, 0]));
    for (let seed = 1; seed <= SCENARIOS; seed++) {
      const of = scenario(seed);
      const wanted = expected(of);
      for (const [kind, is] of Object.entries(kinds)) if (is(of, wanted)) counts[kind]!++;
    }
    for (const [kind, count] of Object.entries(counts)) expect(count, kind).to.be.greaterThan(40);
  });
});
