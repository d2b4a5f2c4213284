import { formatAddress } from '../../contract/keys.ts';
import type { OutboundProtocol } from '../../contract/policy/protocol.ts';
import type { Reader } from '../../contract/read/reader.ts';
import { EndpointState } from '../balance/endpoint.ts';
import type { EndpointPool } from '../balance/pool.ts';
import { TpsBudget } from '../retry/budget.ts';
import { compileRoutes } from '../route/compile.ts';
import type { LoadRegexEngine } from '../route/engine.ts';
import { UNRESOLVED } from '../series.ts';
import { compileSplit } from '../split/split.ts';
import type { BackendEntry, DestinationEntry, PodEntry, ServiceEntry, UnknownEntry } from './entries.ts';
import type { ParsedService } from './parse/service.ts';

/** What building an entry needs beside the resource. */
export interface BuildContext {
  readonly key: string;
  /** That the answer is for. */
  readonly address: { readonly ip: string; readonly port: number };
  readonly version: string;
  readonly previous: DestinationEntry | null;
  readonly nowMs: number;
  readonly loadEngine: LoadRegexEngine;
  pool(key: string): EndpointPool;
}

/** The entry of an answer. Reports routes that the engine refuses as denials. */
export function buildEntry(parsed: ParsedService, reader: Reader, context: BuildContext): DestinationEntry {
  const { key, version } = context;
  switch (parsed.type) {
    case 'service':
      return buildService(parsed, reader, context);
    case 'pod':
      return buildPod(parsed, context);
    case 'forbidden':
      return { kind: 'forbidden', key, version, reason: parsed.reason };
    case 'unknown':
      return buildUnknown(parsed.protocol, context);
  }
}

const UNRESOLVED_SERIES = { series: UNRESOLVED, generation: UNRESOLVED };

function buildService(
  parsed: Extract<ParsedService, { type: 'service' }>,
  reader: Reader,
  context: BuildContext,
): ServiceEntry {
  // Without routes there is no profile to count for: `route_*` series then carry no `dst`.
  const dst = parsed.routes.length > 0 ? parsed.authority : '';
  const { table, problems } = compileRoutes('outbound', dst, parsed.routes, context.loadEngine);
  for (const { index, message } of problems) reader.deny(`routes[${index}].match`, message);
  return {
    kind: 'service',
    key: context.key,
    version: context.version,
    namespace: parsed.namespace,
    service: parsed.service,
    port: parsed.port,
    authority: parsed.authority,
    protocol: parsed.protocol,
    routes: table,
    split: compileSplit(parsed.backends.map((backend) => backend.weight)),
    backends: parsed.backends.map((backend, index): BackendEntry => {
      const { endpoints, ...rest } = backend;
      return { ...rest, ...UNRESOLVED_SERIES, index, pool: context.pool(endpoints) };
    }),
    budget: budgetOf(parsed.retryBudget, context),
    balancer: parsed.balancer,
    localTrafficOnly: parsed.localTrafficOnly,
    slowStartMs: parsed.slowStartMs,
    breaker: parsed.breaker,
    penalty: parsed.penalty,
    retry: parsed.retry,
    timeouts: parsed.timeouts,
    queue: parsed.queue,
    ...UNRESOLVED_SERIES,
  };
}

/** An update that leaves the parameters alone must not refill the budget: a flapping profile would lift the bound on retries. */
function budgetOf(parameters: TpsBudget['parameters'], { previous, nowMs }: BuildContext): TpsBudget {
  const before = previous?.kind === 'service' ? previous.budget : null;
  const same =
    before !== null &&
    before.parameters.ratio === parameters.ratio &&
    before.parameters.minRetriesPerSecond === parameters.minRetriesPerSecond &&
    before.parameters.ttlMs === parameters.ttlMs;
  return same ? before : new TpsBudget(parameters, nowMs);
}

/** The address is all that is known. What was learned about it stays, whatever its port is said to speak. */
function buildUnknown(protocol: OutboundProtocol, context: BuildContext): UnknownEntry {
  const { key, version, previous, address } = context;
  const facts = { address: address.ip, port: address.port, identity: null, proxyPort: 0, protocol, ...NOWHERE };
  const known = previous?.kind === 'unknown' ? previous.endpoint : null;
  const endpoint = known ?? new EndpointState(formatAddress(address.ip, address.port), facts);
  endpoint.renew(facts);
  return { kind: 'unknown', key, version, protocol, endpoint };
}

const NOWHERE = { node: '', zone: '', hintZones: [], labels: {} };

type ParsedPod = Extract<ParsedService, { type: 'pod' }>;

function buildPod(parsed: ParsedPod, context: BuildContext): PodEntry {
  const { key, version, previous } = context;
  const { namespace, pod, protocol } = parsed;
  const id = formatAddress(parsed.endpoint.address, parsed.endpoint.port);
  return { kind: 'pod', key, version, namespace, pod, protocol, endpoint: podEndpoint(parsed, id, previous) };
}

/** A pod's address is reused by other pods: what was learned about one is not held against the next. */
function podEndpoint(parsed: ParsedPod, id: string, previous: DestinationEntry | null): EndpointState {
  const known = previous?.kind === 'pod' && previous.pod === parsed.pod && previous.namespace === parsed.namespace;
  if (!known || previous.endpoint.id !== id) return new EndpointState(id, parsed.endpoint);
  previous.endpoint.renew(parsed.endpoint);
  return previous.endpoint;
}
