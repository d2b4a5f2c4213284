import type { MeshModel } from '../../crds/kinds/mesh/model.ts';
import { ENVIRONMENT, type VariableName } from '../../proxy-image/contract/environment.ts';
import {
  CONTROL_PLANE_NAMESPACE,
  CONTROL_PLANE_SERVICE,
  CONTROL_PLANE_SERVICE_ACCOUNT,
  serviceAccountIdentity,
} from '../../proxy-image/contract/names.ts';
import { OPERATOR_PORTS, type ProxyPorts } from '../../proxy-image/contract/ports.ts';
import { formatRelayedProbes, type RelayedProbe } from '../../proxy-image/contract/relayed-probes.ts';
import type { EnvVar } from './kubernetes.ts';
import type { ProxySettings } from './settings.ts';

/** What the environment says beside the user's settings. */
export interface Surroundings {
  mesh: MeshModel;
  serviceAccount: string;
  namespace: string;
  trustAnchorsPem: string;
  probes: readonly RelayedProbe[];
}

type Value = string | { fieldPath: string };
type Values = Partial<Record<VariableName, Value>>;

/** Every variable of a redirected proxy, so that a pod's manifest shows what the proxy goes by. */
export function proxyEnvironment(settings: ProxySettings, surroundings: Surroundings): EnvVar[] {
  const { mesh, serviceAccount, namespace } = surroundings;
  const { suffix } = mesh.identity;
  return environment({
    podName: { fieldPath: 'metadata.name' },
    podNamespace: { fieldPath: 'metadata.namespace' },
    podIps: { fieldPath: 'status.podIPs' },
    nodeName: { fieldPath: 'spec.nodeName' },
    logLevel: settings.logLevel,
    accessLog: settings.accessLog,
    ...listenAddresses(settings.ports),
    controlHost: `${CONTROL_PLANE_SERVICE}.${CONTROL_PLANE_NAMESPACE}.svc.${mesh.clusterDomain}`,
    configPort: String(OPERATOR_PORTS.config),
    identityPort: String(OPERATOR_PORTS.identity),
    controlIdentity: serviceAccountIdentity(CONTROL_PLANE_SERVICE_ACCOUNT, CONTROL_PLANE_NAMESPACE, suffix),
    identityName: serviceAccountIdentity(serviceAccount, namespace, suffix),
    identityDir: ENVIRONMENT.identityDir.fallback,
    tokenFile: ENVIRONMENT.tokenFile.fallback,
    trustAnchors: surroundings.trustAnchorsPem,
    configSource: settings.source,
    ...(settings.source === 'kubernetes' ? { accountDir: ENVIRONMENT.accountDir.fallback } : {}),
    defaultInboundPolicy: settings.defaultInboundPolicy,
    clusterNetworks: listValue(mesh.clusterNetworks.join(',')),
    detectTimeoutMs: String(Math.max(1, Math.round(mesh.proxy.detectTimeoutMs))),
    maxHeadBytes: String(mesh.proxy.maxHeadBytes),
    opaquePorts: listValue(settings.opaquePorts),
    requireIdentityPorts: settings.requireIdentityPorts,
    shutdownGraceMs: String(settings.shutdownGraceMs),
    // A native sidecar is ended after the containers that it serves (KEP-753).
    shutdownWaitMs: settings.nativeSidecar ? '0' : String(settings.waitBeforeExitMs),
    outliveApplication: settings.nativeSidecar ? 'disabled' : 'enabled',
    adminShutdown: settings.adminShutdown ? 'enabled' : 'disabled',
    ...(surroundings.probes.length === 0 ? {} : { relayedProbes: formatRelayedProbes(surroundings.probes) }),
  });
}

/** What the verb `init` goes by. */
export function initEnvironment(settings: ProxySettings): EnvVar[] {
  return environment({
    ...listenAddresses(settings.ports),
    skipInboundPorts: listValue(settings.skipInboundPorts),
    skipOutboundPorts: listValue(settings.skipOutboundPorts),
    skipSubnets: settings.skipSubnets,
    uid: String(settings.uid),
  });
}

function listenAddresses(ports: ProxyPorts): Values {
  return {
    outboundListen: `127.0.0.1:${ports.outbound},[::1]:${ports.outbound}`,
    inboundListen: `[::]:${ports.inboundMesh}`,
    inboundPlainListen: `[::]:${ports.inboundPlain}`,
    adminListen: `[::]:${ports.admin}`,
    tapPort: String(ports.tap),
  };
}

/** An empty variable means the default; a list of nothing has to be written differently. */
function listValue(list: string): string {
  return list === '' ? ',' : list;
}

/** In the order of the contract, which is fixed: the same settings give the same bytes. */
function environment(values: Values): EnvVar[] {
  const variables: EnvVar[] = [];
  for (const key of Object.keys(ENVIRONMENT) as VariableName[]) {
    const value = values[key];
    const { name } = ENVIRONMENT[key];
    if (value === undefined) continue;
    variables.push(typeof value === 'string' ? { name, value } : { name, valueFrom: { fieldRef: value } });
  }
  return variables;
}
