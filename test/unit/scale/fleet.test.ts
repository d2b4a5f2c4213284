import { expect } from 'chai';
import { canonicalKey } from '../../../crds/compile/compile.ts';
import { Changes } from '../../scale/changes.ts';
import { Fleet } from '../../scale/fleet.ts';
import { collections } from '../../scale/objects.ts';
import { LARGE } from '../../scale/size.ts';

const fleet = new Fleet(LARGE);
const proxies = Array.from({ length: LARGE.proxies }, (_, at) => fleet.proxy(at));

describe('the cluster of make scale', () => {
  it('has what it is to have, each under a name of its own', () => {
    const counts = Object.fromEntries(
      collections(fleet).map(({ what, path, objects }) => {
        const names = objects().map(({ metadata }) => `${path(metadata.namespace!)}/${metadata.name}`);
        return [what, new Set(names).size];
      }),
    );
    expect(counts).to.deep.equal({
      Services: 1_000,
      pods: 10_000,
      EndpointSlices: 1_000,
      ServiceProfiles: 3_000,
      TrafficSplits: 500,
      HTTPRoutes: 500,
      Servers: 500,
      ServerAuthorizations: 500,
      AuthorizationPolicies: 500,
    });
  });

  it('has a pod for each proxy, which calls twenty services, each of which has as many subscribers', () => {
    expect(new Set(proxies.map(({ namespace, name }) => `${namespace}/${name}`)).size).to.equal(2_000);
    const subscribers = new Map<number, number>();
    for (const { calls } of proxies) {
      expect(calls).to.have.length(20);
      for (const service of calls) subscribers.set(service, (subscribers.get(service) ?? 0) + 1);
    }
    expect(subscribers.size).to.equal(1_000);
    expect(new Set(subscribers.values())).to.deep.equal(new Set([40]));
  });

  it('names resources as proxies do', () => {
    for (const key of [fleet.serviceKey(999), fleet.endpointsKey(999), fleet.workloadKey(proxies[1_999]!)])
      expect(canonicalKey(key)?.text, key).to.equal(key);
  });

  it('is changed so that no resource is changed twice within ten seconds, at 22 changes a second', () => {
    const changes = new Changes(fleet);
    const last = new Map<string, number>();
    for (let number = 0; number < 22 * 120; number++) {
      const { keys } = number % 11 === 10 ? changes.nextResource() : changes.nextEndpoint();
      for (const key of keys) {
        expect(number - (last.get(key) ?? Number.NEGATIVE_INFINITY), key).to.be.above(220);
        last.set(key, number);
      }
    }
  });

  it('is changed to something else each time', () => {
    const changes = new Changes(fleet);
    const last = new Map<string, string>();
    for (let number = 0; number < 22 * 120; number++) {
      const { path, patch } = number % 11 === 10 ? changes.nextResource() : changes.nextEndpoint();
      const text = JSON.stringify(patch);
      expect(last.get(path)).not.to.equal(text);
      last.set(path, text);
    }
  });
});
