import { compile } from '../../../crds/compile/compile.ts';
import { type Address, destinationView } from '../../../crds/compile/service.ts';
import { formatKey } from '../../../proxy-image/contract/keys.ts';
import type { ServiceDestination } from '../../../proxy-image/contract/resources.ts';
import type { RequestFacts } from '../../../proxy-image/core/route/request.ts';
import type { OutboundRouteEntry } from '../../../proxy-image/core/state/entries.ts';
import { ManualClock, newState } from '../../unit/core/fixtures.ts';
import { clusterOf } from './cluster.ts';
import { interpret, type Outcome } from './interpret.ts';
import type { RouteRequest, RouteRow } from './row.ts';
import { addressOf, CALLS } from './world.ts';

export interface Decision {
  outcome: Outcome;
  entry: OutboundRouteEntry;
}

/** From raw objects by parser, compiler and the contract's bytes to what a proxy decides. */
export function decide({ objects, request }: Pick<RouteRow, 'objects' | 'request'>): Decision {
  const state = clusterOf(objects);
  const { service = 'web', port = 80, from = 'shop' } = request;
  const ip = service === CALLS.service ? CALLS.address : addressOf(service);
  const address = { ip, port };
  const key = { kind: 'service', ...address } as const;
  const { compiled, failure } = compile(state, key, destinationView(state, address, from));
  if (compiled === null) throw failure ?? new Error('nothing to say');
  return decideBy({ ...compiled, body: JSON.parse(compiled.text) as ServiceDestination }, address, request);
}

/** What a proxy decides that was told this of the Service's address. */
export function decideBy(
  { version, body }: { version: string; body: ServiceDestination },
  { ip, port }: Address,
  request: RouteRequest,
): Decision {
  const proxy = newState(new ManualClock(), { namespace: request.from ?? 'shop' });
  const key = formatKey({ kind: 'service', ip, port });
  const problems = proxy.apply([{ op: 'set', key, version, body }]);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  const { entry } = proxy.destination(ip, port);
  if (entry?.kind !== 'service') throw new Error('no Service');
  const route = entry.routes.match(factsOf(request));
  const names = body.policy.backends.map(({ meta }) => meta.name);
  return { outcome: interpret(route, names, request), entry: route };
}

function factsOf({ method, target, headers = [], grpc = false }: RouteRequest): RequestFacts {
  const linesOf = (name: string) => headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return {
    method: method ?? (grpc ? 'POST' : 'GET'),
    target,
    host: linesOf('host')[0] ?? '',
    absoluteForm: false,
    isGrpc: grpc,
    joined: (name) => (linesOf(name).length === 0 ? null : linesOf(name).join(', ')),
  };
}
