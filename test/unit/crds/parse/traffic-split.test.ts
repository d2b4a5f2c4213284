import { expect } from 'chai';
import { parseTrafficSplit } from '../../../../crds/kinds/traffic-split/parse.ts';
import { modelOf, problemsOf, split } from './objects.ts';

function weightsOf(...weights: unknown[]) {
  const backends = weights.map((weight, i) => ({ service: `s${i}`, weight }));
  return modelOf(parseTrafficSplit(split({ service: 'web', backends }))).backends.map(({ weight }) => weight);
}

describe('TrafficSplit', () => {
  it('takes weights as integers and quantities, in thousandths', () => {
    expect(weightsOf(5, '5', '500m', '1k', '1e3', 0)).to.deep.equal([5_000, 5_000, 500, 1_000_000, 1_000_000, 0]);
  });

  it('takes Services of its own namespace by any of their names, and keeps the order of backends', () => {
    for (const service of [
      'web',
      'web.shop',
      'web.shop.svc',
      'web.shop.svc.cluster.local',
      'web.shop.svc.cluster.local.',
    ]) {
      const backends = [
        { service: 'b', weight: 1 },
        { service: 'a.shop.svc.cluster.local', weight: 2 },
      ];
      const model = modelOf(parseTrafficSplit(split({ service, backends })));
      expect(model.service).to.equal('web');
      expect(model.backends.map((backend) => backend.service)).to.deep.equal(['b', 'a']);
    }
  });

  it('refuses Services of other namespaces', () => {
    const parsed = parseTrafficSplit(
      split({ service: 'web.other', backends: [{ service: 'a.other.svc', weight: 1 }] }),
    );
    expect(problemsOf(parsed)).to.deep.equal(['error spec.backends[0].service', 'error spec.service']);
  });

  it('E9 lets the root be its own backend, and reports zero weights, repetitions and negative weights', () => {
    expect(
      modelOf(parseTrafficSplit(split({ service: 'web', backends: [{ service: 'web', weight: 1 }] }))).backends,
    ).to.have.length(1);
    const zero = parseTrafficSplit(split({ service: 'web', backends: [{ service: 'a', weight: 0 }] }));
    expect(problemsOf(zero)).to.deep.equal(['warning spec.backends']);
    expect(zero.model!.backends).to.deep.equal([{ service: 'a', weight: 0 }]);
    const twice = parseTrafficSplit(
      split({
        service: 'web',
        backends: [
          { service: 'a', weight: 1 },
          { service: 'a.shop', weight: 1 },
        ],
      }),
    );
    expect(problemsOf(twice)).to.deep.equal(['warning spec.backends[1].service']);
    const negative = parseTrafficSplit(split({ service: 'web', backends: [{ service: 'a', weight: '-1m' }] }));
    expect(problemsOf(negative)).to.deep.equal(['error spec.backends[0].weight']);
  });

  it('recognises matches, and warns that they are not supported', () => {
    const spec = { service: 'web', backends: [{ service: 'a', weight: 1 }] };
    const parsed = parseTrafficSplit(split({ ...spec, matches: [{ kind: 'HTTPRouteGroup', name: 'g' }] }));
    expect(problemsOf(parsed)).to.deep.equal(['warning spec.matches']);
    expect(parsed.model).to.not.equal(null);
    expect(problemsOf(parseTrafficSplit(split({ ...spec, matches: [] })))).to.deep.equal([]);
  });

  it('names what is missing', () => {
    expect(problemsOf(parseTrafficSplit(split({})))).to.deep.equal(['error spec.backends', 'error spec.service']);
    expect(problemsOf(parseTrafficSplit(split({ service: 'web', backends: [{}] })))).to.deep.equal([
      'error spec.backends[0].service',
      'error spec.backends[0].weight',
    ]);
  });

  it('E9 refuses more than 128 backends', () => {
    const backends = Array.from({ length: 129 }, (_, i) => ({ service: `s${i}`, weight: 1 }));
    expect(problemsOf(parseTrafficSplit(split({ service: 'web', backends })))).to.deep.equal(['error spec.backends']);
  });

  it('checks group, version and kind', () => {
    const spec = { service: 'web', backends: [{ service: 'a', weight: 1 }] };
    const wrong = {
      apiVersion: 'split.smi-spec.io/v9',
      kind: 'Split',
      metadata: { name: 'web', namespace: 'shop' },
      spec,
    };
    expect(problemsOf(parseTrafficSplit(wrong))).to.deep.equal(['error apiVersion', 'error kind']);
  });
});
