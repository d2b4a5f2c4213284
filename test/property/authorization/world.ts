import { compileWorkload } from '../../../crds/compile/inbound/workload.ts';
import { POD } from '../../../crds/kinds/pod/model.ts';
import { reducePod } from '../../../crds/kinds/pod/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { readMeta } from '../../../crds/parse/metadata.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import type { WorkloadResource } from '../../../proxy-image/contract/resources.ts';
import { authorizeConnection, authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import type { PolicyDecision, PortPolicyEntry } from '../../../proxy-image/core/policy/policy.ts';
import type { RequestFacts } from '../../../proxy-image/core/route/request.ts';
import * as ruleParts from '../../../proxy-image/core/state/parse/rule-parts.ts';
import { ProxyState } from '../../../proxy-image/core/state/state.ts';
import { loadRegexEngine } from '../../../proxy-image/io/regex-engine.ts';
import type { Asked, Client, Raw, Verdict } from './oracle.ts';
import { expectedOfBytes, expectedOfRequest } from './oracle.ts';
import { PORT, type Scenario } from './scenarios.ts';

/** A row of the table on which the two are not of one mind. */
export interface Mismatch {
  scenario: number;
  asked: Asked | Client;
  expected: Verdict;
  decided: Verdict;
}

/** Every row of the scenarios, from the objects of the API server to the decision of a proxy; stops after `most` mismatches. */
export function mismatches(scenarios: readonly Scenario[], most: number): { rows: number; found: Mismatch[] } {
  const found: Mismatch[] = [];
  let rows = 0;
  for (const [scenario, { objects, pod, asked }] of scenarios.entries()) {
    const policy = policyOf(objects, pod);
    for (const each of asked) {
      rows += 2;
      const client = new InboundPeer(each.ip, each.identity, each.tls);
      const pairs = [
        [expectedOfRequest(objects, pod, PORT, each), verdictOf(authorizeRequest(policy, client, factsOf(each)))],
        [expectedOfBytes(objects, pod, PORT, each), verdictOf(authorizeConnection(policy, client))],
      ] as const;
      for (const [expected, decided] of pairs) {
        if (expected !== decided) found.push({ scenario, asked: each, expected, decided });
      }
      if (found.length >= most) return { rows, found };
    }
  }
  return { rows, found };
}

/** Equal requests are one object, whoever asks and whatever the policy is then: as are those of HTTP/2, with which rules are remembered. */
const ASKED = new Map<string, RequestFacts>();

function factsOf({ method, path, headers }: Asked): RequestFacts {
  const key = JSON.stringify([method, path, headers]);
  const known = ASKED.get(key);
  if (known !== undefined) return known;
  const facts: RequestFacts = {
    method,
    target: path,
    host: 'web.shop',
    isGrpc: false,
    absoluteForm: false,
    routeMemo: { table: null, rule: 0, portRules: null, portRule: 0 },
    joined: (name) => headers[name] ?? null,
  };
  ASKED.set(key, facts);
  return facts;
}

function verdictOf({ allowed, reason }: PolicyDecision): Verdict {
  if (reason === 'audit' || reason === 'probe') return reason;
  if (reason === 'no_route') return 'no route';
  return allowed ? 'allowed' : 'denied';
}

/** Parse, compile, JSON as it is sent. */
export function bodyOf(objects: readonly Raw[], pod: Raw): WorkloadResource {
  const cluster = new ClusterState(KINDS);
  const status = { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }] };
  const meshed = stored({ ...pod, status } as Raw, 0);
  cluster.apply(POD, reducePod(meshed), readMeta(meshed));
  for (const [at, object] of objects.entries()) {
    const row = KINDS.find(({ group, kind }) => kind === object.kind && object.apiVersion.startsWith(`${group}/`))!;
    const raw = stored(object, at + 1);
    const parsed = row.parse(raw);
    if (parsed.model === null) throw new Error(`${JSON.stringify(raw)}: ${JSON.stringify(parsed.problems)}`);
    cluster.applyParsed(row, parsed, readMeta(raw));
  }
  const body = { sources: '9', ...compileWorkload(cluster, pod.metadata.namespace, pod.metadata.name)! };
  return JSON.parse(JSON.stringify(body)) as WorkloadResource;
}

/** What a proxy then has for the port. */
function policyOf(objects: readonly Raw[], pod: Raw): PortPolicyEntry {
  return toldTo(bodyOf(objects, pod), pod);
}

function stored(object: Raw, at: number): Raw {
  const metadata = { ...object.metadata, uid: `uid-${at}`, resourceVersion: String(100 + at), generation: 1 };
  return { ...object, metadata };
}

function toldTo(body: WorkloadResource, { metadata: { namespace, name: pod } }: Raw): PortPolicyEntry {
  const state = new ProxyState({
    clock: { nowMs: () => 0, wallMs: () => 0 },
    loadRegexEngine,
    loadRuleParts: () => ruleParts,
    namespace,
    pod,
    node: '',
    zone: '',
    initialWorkload: { ...body, ports: {}, ranges: [] },
  });
  const rejected = state.apply([{ op: 'set', key: `workload/${namespace}/${pod}`, version: 'v1', body }]);
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  return state.inboundPort(PORT).policy;
}
