import { expect } from 'chai';
import fc from 'fast-check';
import {
  composeDiffs,
  diffEndpoints,
  type EndpointPatch,
  PatchHistory,
  patchOf,
} from '../../../operator/serve/patch.ts';
import { formatAddress } from '../../../proxy-image/contract/keys.ts';
import type { Endpoint } from '../../../proxy-image/contract/resources.ts';

/** `zone` stands for all that may change about an address. */
function endpoint(address: string, zone = ''): Endpoint {
  return {
    address,
    port: 8080,
    identity: null,
    proxyPort: 0,
    protocol: 'detect',
    node: '',
    zone,
    hintZones: [],
    labels: {},
  };
}

/** What a proxy does with a patch. */
function apply(held: readonly Endpoint[], patch: EndpointPatch): Endpoint[] {
  const byId = new Map(held.map((each) => [formatAddress(each.address, each.port), each]));
  for (const id of patch.removed) {
    if (!byId.delete(id)) throw new Error(`${id} is not held`);
  }
  for (const each of patch.changed) {
    if (!byId.has(formatAddress(each.address, each.port))) throw new Error(`${each.address} is not held`);
    byId.set(formatAddress(each.address, each.port), each);
  }
  for (const each of patch.added) {
    if (byId.has(formatAddress(each.address, each.port))) throw new Error(`${each.address} is held`);
    byId.set(formatAddress(each.address, each.port), each);
  }
  return [...byId.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

const list = fc
  .uniqueArray(fc.tuple(fc.nat(7), fc.nat(2)), { selector: ([host]) => host, maxLength: 8 })
  .map((entries) =>
    entries
      .map(([host, zone]) => endpoint(`10.0.0.${host}`, `zone-${zone}`))
      .sort((a, b) => (a.address < b.address ? -1 : 1)),
  );

describe('endpoint patches', () => {
  it('turn the base into the new list', () => {
    fc.assert(
      fc.property(list, list, (before, after) => {
        expect(apply(before, patchOf(diffEndpoints(before, after)))).to.deep.equal(after);
      }),
    );
  });

  it('compose', () => {
    fc.assert(
      fc.property(list, list, list, (a, b, c) => {
        const composed = composeDiffs(diffEndpoints(a, b), diffEndpoints(b, c));
        expect(apply(a, patchOf(composed))).to.deep.equal(c);
      }),
    );
  });

  it('lead from any remembered version to the present one, and from no other', () => {
    fc.assert(
      fc.property(fc.array(list, { minLength: 2, maxLength: 25 }), (versions) => {
        const history = new PatchHistory();
        for (const [at, next] of versions.slice(1).entries()) {
          history.record(`v${at}`, diffEndpoints(versions[at] ?? [], next));
        }
        const last = versions.at(-1) ?? [];
        for (const [at, held] of versions.slice(0, -1).entries()) {
          const diff = history.since(`v${at}`);
          const remembered = at >= versions.length - 1 - PatchHistory.MAX_VERSIONS;
          expect(diff !== null).to.equal(remembered);
          if (diff !== null) expect(apply(held, patchOf(diff))).to.deep.equal(last);
        }
        expect(history.since('unknown')).to.equal(null);
      }),
    );
  });

  it('start from the latest time that a version was current, when it came back', () => {
    const [a, b, c] = [
      [endpoint('10.0.0.1')],
      [endpoint('10.0.0.2')],
      [endpoint('10.0.0.1'), endpoint('10.0.0.3')],
    ] as const;
    const history = new PatchHistory();
    history.record('a', diffEndpoints(a, b));
    history.record('b', diffEndpoints(b, a));
    history.record('a', diffEndpoints(a, c));
    expect(patchOf(history.since('a') ?? new Map())).to.deep.equal({
      added: [endpoint('10.0.0.3')],
      changed: [],
      removed: [],
    });
  });
});
