import { compileWorkload } from '../../crds/compile/inbound/workload.ts';
import { reduceNamespace } from '../../crds/kinds/namespace/parse.ts';
import { reducePod } from '../../crds/kinds/pod/parse.ts';
import { readMeta } from '../../crds/parse/metadata.ts';
import type { WorkloadResource } from '../../proxy-image/contract/resources.ts';
import { authorizeConnection, authorizeRequest, InboundPeer } from '../../proxy-image/core/policy/authorize.ts';
import type { PolicyDecision } from '../../proxy-image/core/policy/policy.ts';
import type { ProxyState } from '../../proxy-image/core/state/state.ts';
import { applyAll, hostile, ManualClock, newState, set } from '../unit/core/fixtures.ts';
import { rowOf } from './kinds.ts';
import { TestCluster } from './models.ts';
import { asking } from './policy.ts';

/** A JSON object as `kubectl get -o json` prints it. */
export type Raw = Record<string, unknown>;

/** Raw objects of a cluster in which the pod is `shop/web-1`. */
export interface RawCluster {
  pod?: Raw;
  podAnnotations?: Record<string, string>;
  namespaceAnnotations?: Record<string, string>;
  /** Specs; the objects are called `server-0`, … */
  servers?: Raw[];
  authorizations?: Raw[];
  mesh?: Raw;
}

const LABELS = { app: 'web', 'linkerd.io/control-plane-ns': 'weft-system' };

export function rawPod(spec: Raw, annotations: Record<string, string> = {}): Raw {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'web-1', uid: 'u', resourceVersion: '1', labels: LABELS, annotations },
    spec,
    status: { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }], hostIP: '192.168.0.1' },
  };
}

/** The containers of an injected pod: the application's, behind them the proxy. */
export function injected(...containers: Raw[]): Raw {
  const ports = [
    { name: 'linkerd-proxy', containerPort: 4143, protocol: 'TCP' },
    { name: 'linkerd-admin', containerPort: 4191, protocol: 'TCP' },
  ];
  return { containers: [...containers, { name: 'linkerd-proxy', ports }] };
}

/** Everything between what users write and what is decided, except the wire: parsers, compiler, and JSON as it is sent. */
export function compileRaw(cluster: RawCluster): WorkloadResource {
  const state = new TestCluster();
  const namespace = { metadata: { name: 'shop', annotations: cluster.namespaceAnnotations ?? {} } };
  state.apply('Namespace', reduceNamespace(namespace));
  state.apply('Pod', reducePod(rawPod(cluster.pod ?? injected({ name: 'web' }), cluster.podAnnotations)));
  cluster.servers?.forEach((spec, index) => {
    put(state, 'Server', policyObject('Server', spec, index));
  });
  cluster.authorizations?.forEach((spec, index) => {
    put(state, 'ServerAuthorization', policyObject('ServerAuthorization', spec, index));
  });
  if (cluster.mesh !== undefined) {
    const metadata = { name: 'default', uid: 'mesh', resourceVersion: '2000' };
    put(state, 'Mesh', { apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata, spec: cluster.mesh });
  }
  const compiled = compileWorkload(state.state, 'shop', 'web-1');
  if (compiled === null) throw new Error('no workload');
  return hostile<WorkloadResource>(JSON.parse(JSON.stringify({ sources: '9', ...compiled })));
}

function policyObject(kind: string, spec: Raw, index: number): Raw {
  const name = `${kind.toLowerCase()}-${index}`;
  const metadata = { namespace: 'shop', name, uid: name, resourceVersion: String(2_000 + index) };
  return { apiVersion: 'policy.linkerd.io/v1beta1', kind, metadata, spec };
}

/** As the operator and direct mode take it, valid or not. */
function put({ state }: TestCluster, kind: string, raw: Raw): void {
  const row = rowOf(kind);
  state.applyParsed(row, row.parse(raw), readMeta(raw));
}

/** A proxy that was told `body`. */
export function proxyWith(body: WorkloadResource): ProxyState {
  const state = newState(new ManualClock());
  applyAll(state, set('workload/shop/web-1', body));
  return state;
}

export const stranger = (): InboundPeer => new InboundPeer('10.9.9.9', null, false);
export const meshed = (identity = 'any.shop.serviceaccount.identity.linkerd.cluster.local'): InboundPeer =>
  new InboundPeer('10.9.9.9', identity, true);

export function connection(state: ProxyState, port: number, peer: InboundPeer = stranger()): PolicyDecision {
  return authorizeConnection(state.inboundPort(port).policy, peer);
}

export function request(
  state: ProxyState,
  port: number,
  method: string,
  target: string,
  { peer = stranger(), isGrpc = false } = {},
): PolicyDecision {
  return authorizeRequest(state.inboundPort(port).policy, peer, asking(method, target, { isGrpc }));
}
