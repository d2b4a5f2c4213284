import { expect } from 'chai';
import { parseRouteTraffic } from '../../../../crds/annotations/traffic.ts';
import { DEFAULT_MESH } from '../../../../crds/kinds/mesh/parse.ts';

const NO_TIMEOUTS = { requestMs: 0, responseMs: 0, idleMs: 0 };

function parse(annotations: Record<string, string>, place: 'httpRoute' | 'grpcRoute' = 'httpRoute') {
  const { traffic, problems } = parseRouteTraffic(place, annotations, DEFAULT_MESH);
  return { traffic, problems: problems.map(({ severity, path, message }) => `${severity} ${path}: ${message}`) };
}

/** Linkerd 2, retries and timeouts: a route with any annotation of the kind has none of the Service's. */
describe('retries and timeouts of a route', () => {
  it('are the Service’s where the route says nothing of the kind, whatever else is written on it', () => {
    const nothing = { traffic: { retry: undefined, timeouts: undefined }, problems: [] };
    expect(parse({})).to.deep.equal(nothing);
    expect(parse({ 'example.com/retry': 'x', 'config.linkerd.io/opaque-ports': '80' })).to.deep.equal(nothing);
    expect(parse({ 'retry.linkerd.iox/http': '5xx' })).to.deep.equal(nothing);
  });

  it('are the route’s own, each kind by itself', () => {
    expect(parse({ 'retry.linkerd.io/http': '5xx', 'retry.linkerd.io/limit': '3' })).to.deep.equal({
      traffic: { retry: { http: [[500, 599]], grpc: [], limit: 3, timeoutMs: 0, backoffMs: 25 }, timeouts: undefined },
      problems: [],
    });
    expect(parse({ 'timeout.linkerd.io/idle': '2s' })).to.deep.equal({
      traffic: { retry: undefined, timeouts: { ...NO_TIMEOUTS, idleMs: 2_000 } },
      problems: [],
    });
    const grpc = parse({ 'retry.linkerd.io/grpc': 'unavailable', 'retry.linkerd.io/timeout': '50ms' }, 'grpcRoute');
    expect(grpc).to.deep.equal({
      traffic: { retry: { http: [], grpc: [14], limit: 1, timeoutMs: 50, backoffMs: 25 }, timeouts: undefined },
      problems: [],
    });
  });

  it('are the route’s also where it cannot be read: a mistake is reported by its name and takes nothing from the Service', () => {
    expect(parse({ 'retry.linkerd.io/limit': 'many', 'timeout.linkerd.io/request': 'soon' })).to.deep.equal({
      traffic: { retry: null, timeouts: NO_TIMEOUTS },
      problems: [
        'error metadata.annotations[retry.linkerd.io/limit]: must be an integer from 0 to 65535, not "many"',
        'error metadata.annotations[timeout.linkerd.io/request]: must be a duration such as 300ms, 1.5h or 2h45m, not "soon"',
      ],
    });
  });

  it('of one protocol mean nothing on a route of the other, and names that nobody knows nothing at all', () => {
    const { traffic, problems } = parse({ 'retry.linkerd.io/grpc': 'internal', 'retry.linkerd.io/htp': '5xx' });
    expect(traffic.retry).to.equal(null);
    expect(problems).to.deep.equal([
      'warning metadata.annotations[retry.linkerd.io/grpc]: has no effect on this kind of object',
      'warning metadata.annotations[retry.linkerd.io/htp]: is not known and has no effect',
    ]);
  });

  it('know nothing of load balancing, which is a matter of the Service', () => {
    expect(parse({ 'balancer.weft.dev/algorithm': 'nonsense' }).problems).to.deep.equal([]);
  });
});
