import { compile } from '../../../crds/compile/compile.ts';
import { DEFAULT_MESH } from '../../../crds/kinds/mesh/parse.ts';
import { KINDS } from '../../../crds/kinds/registry.ts';
import { readMeta } from '../../../crds/parse/metadata.ts';
import { ClusterState } from '../../../crds/state/cluster-state.ts';
import { readInitConfig, readRunConfig } from '../../../proxy-image/config/config.ts';
import type { Environment } from '../../../proxy-image/config/fields.ts';
import { formatKey, parseKey, type ResourceKey } from '../../../proxy-image/contract/keys.ts';
import type { Change } from '../../../proxy-image/contract/messages.ts';
import type { RelayedProbe } from '../../../proxy-image/contract/relayed-probes.ts';
import { authorizeConnection, authorizeRequest, InboundPeer } from '../../../proxy-image/core/policy/authorize.ts';
import { defaultWorkload } from '../../../proxy-image/core/policy/defaults.ts';
import { protocolOf } from '../../../proxy-image/core/state/protocol.ts';
import { ProxyState } from '../../../proxy-image/core/state/state.ts';
import { redirectTable } from '../../../proxy-image/io/init/table.ts';
import { loadRegexEngine } from '../../../proxy-image/io/regex-engine.ts';
import { loadRuleParts } from '../../../proxy-image/io/rule-parts.ts';
import { inject } from '../../../webhooks/inject/patch.ts';
import { createTestAuthority } from '../../support/certificates.ts';
import { applyPatch } from '../../support/json-patch.ts';
import { type Named, rowOf } from '../../support/kinds.ts';
import { asking } from '../../support/policy.ts';
import { balanceOf } from '../../unit/core/fixtures.ts';
import type { Expected } from './oracle.ts';
import { ACCOUNT, CALLER, type ContainerPort, NAMESPACE, POD_IP, type Raw, type Scenario, VIP } from './scenario.ts';

const POD = 'web-1';
const STRANGER_IP = '10.9.9.9';
const CLOCK = { nowMs: () => 0, wallMs: () => 0 };
const ANCHORS_PEM = createTestAuthority().anchorsPem;

interface Container {
  name: string;
  env?: { name: string; value?: string }[];
  ports?: ContainerPort[];
}

interface RawPod extends Raw {
  metadata: Raw & { labels: Record<string, string>; annotations: Record<string, string> };
  spec: { containers: Container[]; initContainers?: Container[] };
}

/** What Weft makes of a scenario, by the way of the real thing: injection, the environment of the containers, the compiler, the state of two proxies. */
export function observed(scenario: Scenario): Expected {
  const pod = runningPod(scenario);
  const cluster = clusterOf(scenario, pod);
  const client = stateOf('caller', defaultWorkload(initialOf()));
  for (const key of [{ kind: 'service', ip: VIP, port: scenario.service.port }] as const)
    client.destination(key.ip, key.port);
  feed(client, cluster, { kind: 'service', ip: VIP, port: scenario.service.port });
  const { entry } = client.destination(VIP, scenario.service.port);
  if (entry?.kind !== 'service') throw new Error(`the Service is ${entry?.kind}`);
  const [endpoint] = balanceOf(entry).pool.endpoints;
  const targetPort = resolved(scenario, pod);
  const inbound = inboundOf(scenario, pod, cluster, targetPort);
  return {
    targetPort,
    identity: endpoint?.facts.identity ?? null,
    proxyPort: endpoint?.facts.proxyPort ?? 0,
    caller: protocolOf(entry),
    ...inbound,
  };
}

/** The port that the compiled endpoint has; Kubernetes' EndpointSlice names it, as the endpoint controller resolves it. */
function resolved({ service }: Scenario, pod: RawPod): number {
  if (typeof service.targetPort === 'number') return service.targetPort;
  return pod.spec.containers[0]!.ports?.find(({ name }) => name === service.targetPort)?.containerPort ?? 0;
}

function appliedPod({ pod }: Scenario): RawPod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: POD, namespace: NAMESPACE, labels: pod.labels, annotations: pod.annotations },
    spec: {
      containers: [{ name: 'app', ports: pod.ports, ...pod.probes }],
      ...({ serviceAccountName: ACCOUNT } as object),
    },
  };
}

/** After admission, and as the kubelet reports it. */
function runningPod(scenario: Scenario): RawPod {
  const raw = appliedPod(scenario);
  const pod =
    scenario.mesh === 'ours' ? injected(scenario, raw) : scenario.mesh === 'foreign' ? meshedElsewhere(raw) : raw;
  return { ...pod, status: { phase: 'Running', podIP: POD_IP, podIPs: [{ ip: POD_IP }] } };
}

function injected(scenario: Scenario, pod: RawPod): RawPod {
  const { patch, decision } = inject({
    pod,
    namespace: NAMESPACE,
    namespaceAnnotations: { ...scenario.namespace.annotations, 'linkerd.io/inject': 'enabled' },
    namespaceLabels: {},
    demands: [],
    mesh: DEFAULT_MESH,
    trustAnchorsPem: ANCHORS_PEM,
    defaultImage: 'localhost/weft-proxy:dev',
    version: 'dev',
  });
  if (!decision.inject) throw new Error(`not injected: ${decision.reasons.join(', ')}`);
  return applyPatch(pod, patch) as RawPod;
}

/** As Linkerd's injector leaves it. */
function meshedElsewhere(pod: RawPod): RawPod {
  const labels = { ...pod.metadata.labels, 'linkerd.io/control-plane-ns': 'linkerd' };
  const proxy: Container = { name: 'linkerd-proxy', ports: [{ name: 'linkerd-proxy', containerPort: 4143 }] };
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: { ...pod.spec, containers: [...pod.spec.containers, proxy] },
  };
}

function clusterOf(scenario: Scenario, pod: RawPod): ClusterState {
  const state = new ClusterState(KINDS);
  let version = 1;
  const put = (kind: Named, raw: unknown): void => {
    const row = rowOf(kind);
    const { model, problems } = row.parse(raw);
    if (model === null) throw new Error(problems.map(({ path, message }) => `${path}: ${message}`).join('; '));
    state.apply(row, model, { ...readMeta(raw), resourceVersion: String(++version) });
  };
  const { namespace, service, profileOpaquePorts, server } = scenario;
  put('Namespace', { metadata: { name: NAMESPACE, annotations: namespace.annotations } });
  put('Pod', pod);
  put('Service', rawService(service));
  put('EndpointSlice', rawSlice(scenario, pod));
  if (profileOpaquePorts.length > 0) put('ServiceProfile', rawProfile(profileOpaquePorts));
  if (server !== null) {
    put('Server', rawServer(server));
    const authorization = rawAuthorization(scenario.authorization);
    if (authorization !== null) put('ServerAuthorization', authorization);
  }
  return state;
}

function rawService({ annotations, name, port, targetPort, appProtocol }: Scenario['service']): Raw {
  return {
    metadata: { name, namespace: NAMESPACE, annotations },
    spec: {
      clusterIP: VIP,
      clusterIPs: [VIP],
      selector: { app: 'web' },
      ports: [{ name: 'web', port, targetPort, protocol: 'TCP', ...(appProtocol === '' ? {} : { appProtocol }) }],
    },
  };
}

function rawSlice(scenario: Scenario, pod: RawPod): Raw {
  const port = resolved(scenario, pod);
  return {
    metadata: { name: 'web-1', namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: port === 0 ? [] : [{ name: 'web', port, protocol: 'TCP' }],
    endpoints:
      port === 0
        ? []
        : [
            {
              addresses: [POD_IP],
              conditions: { ready: true },
              targetRef: { kind: 'Pod', name: POD, namespace: NAMESPACE },
            },
          ],
  };
}

function rawProfile(opaquePorts: string[]): Raw {
  return {
    metadata: { name: `web.${NAMESPACE}.svc.cluster.local`, namespace: NAMESPACE },
    spec: { opaquePorts, routes: [] },
  };
}

function rawServer({ port, proxyProtocol, accessPolicy }: NonNullable<Scenario['server']>): Raw {
  const spec = { podSelector: { matchLabels: { app: 'web' } }, port };
  const protocol = proxyProtocol === '' ? {} : { proxyProtocol };
  return {
    metadata: { name: 'web', namespace: NAMESPACE },
    spec: { ...spec, ...protocol, ...(accessPolicy === '' ? {} : { accessPolicy }) },
  };
}

function rawAuthorization(kind: Scenario['authorization']): Raw | null {
  const clients: Record<string, Raw> = {
    anybody: { unauthenticated: true },
    'any-identity': { meshTLS: { identities: ['*'] } },
    caller: { meshTLS: { serviceAccounts: [{ name: 'caller' }] } },
    other: { meshTLS: { identities: ['other.shop.serviceaccount.identity.linkerd.cluster.local'] } },
  };
  const client = clients[kind];
  if (client === undefined) return null;
  return { metadata: { name: 'web', namespace: NAMESPACE }, spec: { server: { name: 'web' }, client } };
}

function initialOf(): ReturnType<typeof readRunConfig>['inbound'] {
  return {
    namespace: NAMESPACE,
    pod: 'caller',
    policy: 'all-unauthenticated',
    clusterNetworks: [],
    detectTimeoutMs: 10_000,
    opaquePorts: [],
    requireIdentityPorts: [],
  };
}

function stateOf(pod: string, initialWorkload: ReturnType<typeof defaultWorkload>): ProxyState {
  const options = { clock: CLOCK, loadRegexEngine, loadRuleParts, namespace: NAMESPACE, node: 'node', zone: '' };
  const state = new ProxyState({ ...options, pod, initialWorkload });
  state.attach({ subscribe() {}, unsubscribe() {} });
  return state;
}

/** The resource of `key` and those that it names, over the wire's own text. */
function feed(state: ProxyState, cluster: ClusterState, key: ResourceKey): void {
  const { compiled, failure } = compile(cluster, key, NAMESPACE);
  if (failure !== null) throw failure;
  if (compiled === null) throw new Error(`nothing to say of ${formatKey(key)}`);
  const changes: Change[] = compiled.names.map((name) => setOf(cluster, parseKey(name)!));
  changes.push(setOf(cluster, key));
  const rejected = state.apply(changes);
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
}

function setOf(cluster: ClusterState, key: ResourceKey): Change {
  const compiled = compile(cluster, key, NAMESPACE).compiled!;
  return { op: 'set', key: formatKey(key), version: compiled.version, body: JSON.parse(compiled.text) };
}

/** What the pod's own proxy does with the port: none but ours has one. */
function inboundOf(
  scenario: Scenario,
  pod: RawPod,
  cluster: ClusterState,
  port: number,
): Pick<Expected, 'redirected' | 'stranger' | 'meshed' | 'probe'> {
  if (scenario.mesh !== 'ours')
    return { ...judged(stateOf(POD, compiledOnly(cluster)), port), redirected: false, probe: null };
  const containers = pod.spec.initContainers!;
  const config = readRunConfig(environmentOf(containers.find(({ name }) => name === 'linkerd-proxy')!));
  const init = readInitConfig(environmentOf(containers.find(({ name }) => name === 'linkerd-init')!));
  const state = stateOf(POD, defaultWorkload(config.inbound));
  const before = judged(state, port);
  feed(state, cluster, { kind: 'workload', namespace: NAMESPACE, pod: POD });
  const after = judged(state, port);
  // Until the operator has spoken, the environment's defaults hold: the same, where there is no Server. The port for other proxies has no policy of its own.
  if (scenario.server === null && port !== 0 && port !== config.listen.inbound[0]?.port) {
    for (const side of ['stranger', 'meshed'] as const) {
      if (before[side] !== after[side])
        throw new Error(`${side}: ${before[side]} by the environment, ${after[side]} by the operator`);
    }
  }
  return {
    ...after,
    redirected: port !== 0 && redirects(redirectTable('inet', init), port),
    probe: probed(scenario, pod, config.relayedProbes, state),
  };
}

function compiledOnly(cluster: ClusterState): ReturnType<typeof defaultWorkload> {
  const { compiled } = compile(cluster, { kind: 'workload', namespace: NAMESPACE, pod: POD }, '');
  return JSON.parse(compiled!.text);
}

function judged(state: ProxyState, port: number): { stranger: boolean; meshed: boolean } {
  const { policy } = state.inboundPort(port);
  return {
    stranger: authorizeConnection(policy, new InboundPeer(STRANGER_IP, null, false)).allowed,
    meshed: authorizeConnection(policy, new InboundPeer(STRANGER_IP, CALLER, true)).allowed,
  };
}

/** By the rules that are loaded into the kernel: the first one that names the port decides. */
function redirects(table: string, port: number): boolean {
  const chain = /chain inbound \{([\s\S]*?)\n {2}\}/.exec(table)?.[1] ?? '';
  for (const [, set, verdict] of chain.matchAll(/tcp dport \{ ([^}]*) \} (return)/g)) {
    const inSet = set!.split(', ').some((entry) => {
      const [first, last = first] = entry.split('-').map(Number);
      return first! <= port && port <= last!;
    });
    if (inSet && verdict === 'return') return false;
  }
  return /redirect to :\d+/.test(chain);
}

/** What the kubelet sends to where the pod as injected says, in plaintext, from an address that nothing authorizes. */
function probed(scenario: Scenario, pod: RawPod, relayed: readonly RelayedProbe[], state: ProxyState): boolean | null {
  const { readinessProbe } = scenario.pod.probes as {
    readinessProbe?: { httpGet?: { path: string; port: number | string }; grpc?: { port: number } };
  };
  if (readinessProbe === undefined) return null;
  const kubelet = new InboundPeer('192.0.2.1', null, false);
  if (readinessProbe.grpc !== undefined) {
    const { policy } = state.inboundPort(readinessProbe.grpc.port);
    return authorizeRequest(policy, kubelet, asking('POST', '/grpc.health.v1.Health/Check', { isGrpc: true })).allowed;
  }
  const { path, port } = readinessProbe.httpGet!;
  const number = typeof port === 'number' ? port : scenario.pod.ports.find(({ name }) => name === port)?.containerPort;
  if (number === undefined) return null;
  const target = requestTarget(path);
  const asked = (pod.spec.containers[0] as { readinessProbe?: { httpGet: { path: string; port: number } } })
    .readinessProbe!.httpGet;
  const relay = relayed.find((each) => each.path === asked.path);
  if (relay === undefined) {
    return authorizeRequest(state.inboundPort(number).policy, kubelet, asking('GET', target)).allowed;
  }
  // The proxy makes it: what it asks must be what was written, and its admin port must let the kubelet ask.
  const { policy } = state.inboundPort(asked.port);
  const isAllowed = authorizeRequest(policy, kubelet, asking('GET', asked.path)).allowed;
  return isAllowed && relay.type === 'http' && relay.port === number && relay.target === target;
}

/** Of Go's net/url, as the kubelet uses it, for the few paths that scenarios have (test/golden/probe-targets.json has more). */
function requestTarget(path: string): string {
  const targets: Record<string, string> = { ready: '/ready', '': '/', '/é': '/%C3%A9' };
  return Buffer.from(targets[path] ?? path, 'utf8').toString('latin1');
}

function environmentOf({ env = [] }: Container): Environment {
  const fields: Record<string, string> = { 'metadata.name': POD, 'status.podIPs': POD_IP };
  return Object.fromEntries(
    env.map(({ name, value, ...rest }) => {
      const path = (rest as { valueFrom?: { fieldRef?: { fieldPath?: string } } }).valueFrom?.fieldRef?.fieldPath ?? '';
      return [name, value ?? fields[path] ?? 'node'];
    }),
  );
}
