/**
 * What should be, written from the documentation of Linkerd 2 (ports, opaque ports, authorization policy, injection) and, where Weft differs, from
 * docs/traffic.md and docs/authorization.md. It imports nothing of Weft.
 */
import type { ContainerPort, Scenario } from './scenario.ts';

export interface Expected {
  /** The port of the pod that the Service's port leads to; 0: the pod has no such port, and the Service no endpoint. */
  targetPort: number;
  /** Identity that the caller's proxy demands of the pod's; `null`: plaintext. */
  identity: string | null;
  /** The pod's mTLS port, where it has an identity. */
  proxyPort: number;
  /** What the caller's proxy does with a connection to the Service before its first byte; `none`: there is no endpoint to ask, and nothing declared. */
  caller: 'opaque' | 'http1' | 'http2' | 'detect';
  /** Whether a connection to the pod's port goes through its proxy. */
  redirected: boolean;
  /** May this client use the port (as the first question, before any request)? */
  stranger: boolean;
  meshed: boolean;
  /** May the kubelet, in plaintext and from nowhere in particular, send its probe to `probe.port`? */
  probe: boolean | null;
}

const DEFAULT_OPAQUE = '25,587,3306,4444,5432,6379,9300,11211';
const DEFAULT_SKIPPED = '4567,4568';
const ANNOTATION = 'config.linkerd.io/';

type Range = [number, number];

function has(ranges: readonly Range[], port: number): boolean {
  return ranges.some(([first, last]) => first <= port && port <= last);
}

/** `null`: the list says nothing, so that the next one counts. */
function list(text: string | undefined, named: readonly ContainerPort[]): Range[] | null {
  if (text === undefined) return null;
  const parts = text.split(',').filter((part) => part !== '');
  const found = parts.flatMap((part): Range[] => {
    const [first, last] = part.split('-');
    if (/^\d+$/.test(first!) && (last === undefined || /^\d+$/.test(last)))
      return [[Number(first), Number(last ?? first)]];
    return named.filter(({ name }) => name === part).map(({ containerPort: port }): Range => [port, port]);
  });
  return parts.length > 0 && found.length === 0 ? null : found;
}

export function expected(of: Scenario): Expected {
  const { pod, service, server } = of;
  const ports = portsOf(of);
  const targetPort = resolve(service.targetPort, pod.ports) ?? 0;
  const admin = Number(pod.annotations[`${ANNOTATION}admin-port`] ?? 4191);
  const inbound = Number(pod.annotations[`${ANNOTATION}inbound-port`] ?? 4143);
  const skipped = list(pod.annotations[`${ANNOTATION}skip-inbound-ports`] ?? DEFAULT_SKIPPED, [])!;
  const own = [admin, 4190];
  const injected = of.mesh === 'ours' && targetPort !== 0;
  const redirected = injected && !own.includes(targetPort) && targetPort !== inbound && !has(skipped, targetPort);
  const meshed = injected && !own.includes(targetPort) && !has(skipped, targetPort);
  const serverPort = server !== null ? resolveAll(server.port, ports) : [];
  const declared = server !== null && serverPort.includes(targetPort) ? server.proxyProtocol : '';
  return {
    targetPort,
    identity: meshed ? 'web.shop.serviceaccount.identity.linkerd.cluster.local' : null,
    proxyPort: meshed ? inbound : 0,
    caller: caller(of, targetPort, declared),
    redirected,
    stranger: allowed(of, targetPort, null),
    meshed: allowed(of, targetPort, 'caller'),
    probe: probe(of),
  };
}

/** Container ports of the running pod: a proxy that was injected declares its own two. */
function portsOf({ pod, mesh }: Scenario): ContainerPort[] {
  if (mesh !== 'ours') return pod.ports;
  const admin = Number(pod.annotations[`${ANNOTATION}admin-port`] ?? 4191);
  const inbound = Number(pod.annotations[`${ANNOTATION}inbound-port`] ?? 4143);
  return [
    ...pod.ports,
    { name: 'linkerd-proxy', containerPort: inbound },
    { name: 'linkerd-admin', containerPort: admin },
  ];
}

/** What lists may name: ports of containers that were there when the lists were read first. Another mesh's proxy is a container like any other. */
function namesOf({ pod, mesh }: Scenario): ContainerPort[] {
  return mesh === 'foreign' ? [...pod.ports, { name: 'linkerd-proxy', containerPort: 4143 }] : pod.ports;
}

function resolve(port: number | string, ports: readonly ContainerPort[]): number | undefined {
  return resolveAll(port, ports)[0];
}

function resolveAll(port: number | string, ports: readonly ContainerPort[]): number[] {
  if (typeof port === 'number') return [port];
  return ports.filter(({ name }) => name === port).map(({ containerPort }) => containerPort);
}

/** appProtocol, then what Service and profile call opaque, then what the pod and its Server say. */
function caller(of: Scenario, targetPort: number, declared: string): Expected['caller'] {
  const { service, profileOpaquePorts, pod, namespace } = of;
  if (service.appProtocol === 'http') return 'http1';
  if (service.appProtocol === 'kubernetes.io/h2c') return 'http2';
  if (service.appProtocol !== '') return 'opaque';
  const key = `${ANNOTATION}opaque-ports`;
  const inherited = (named: readonly ContainerPort[]) =>
    list(namespace.annotations[key], named) ?? list(DEFAULT_OPAQUE, [])!;
  const servicePorts = [{ name: service.name, containerPort: service.port }];
  const ofService = list(service.annotations[key], servicePorts) ?? inherited(servicePorts);
  const ofProfile = profileOpaquePorts.length > 0 ? list(profileOpaquePorts.join(','), [])! : [];
  if (has(ofService, service.port) || has(ofProfile, service.port)) return 'opaque';
  if (targetPort === 0) return 'detect';
  const named = namesOf(of);
  const ofPod = list(pod.annotations[key], named) ?? inherited(named);
  if (has(ofPod, targetPort)) return 'opaque';
  if (declared === 'opaque' || declared === 'TLS') return 'opaque';
  if (declared === 'HTTP/1') return 'http1';
  return declared === 'HTTP/2' || declared === 'gRPC' ? 'http2' : 'detect';
}

/** Authorizations of the Server, else the default policy; `null` = plaintext, from 10.9.9.9, which is in the cluster's networks. */
function allowed(of: Scenario, port: number, identity: 'caller' | null): boolean {
  const { server } = of;
  if (server !== null && resolveAll(server.port, portsOf(of)).includes(port)) {
    if (of.authorization === 'anybody') return true;
    if (identity !== null && (of.authorization === 'any-identity' || of.authorization === 'caller')) return true;
    return lets(server.accessPolicy === '' ? 'deny' : server.accessPolicy, identity);
  }
  const { pod, namespace } = of;
  const key = `${ANNOTATION}default-inbound-policy`;
  const policy = pod.annotations[key] || namespace.annotations[key] || 'all-unauthenticated';
  const identified = `${ANNOTATION}proxy-require-identity-inbound-ports`;
  const demanding = demands(pod.annotations[identified] || namespace.annotations[identified] || '', pod.ports);
  if (identity === null && has(demanding, port)) return false;
  return lets(policy, identity);
}

/** What cannot be read may have been any port. */
function demands(text: string, named: readonly ContainerPort[]): Range[] {
  const isReadable = text
    .split(',')
    .every((part) => /^[a-z0-9-]*$/.test(part) && !/\d{5}/.test(part.replace('65535', '')));
  return isReadable ? (list(text, named) ?? []) : [[1, 65_535]];
}

function lets(policy: string, identity: string | null): boolean {
  switch (policy) {
    case 'deny':
    case 'Deny':
      return false;
    case 'all-authenticated':
    case 'cluster-authenticated':
      return identity !== null;
    default:
      return true;
  }
}

/** A kubelet's probe of an application container is always let through, on its very port (Linkerd: probe routes; Weft: gRPC too). */
function probe({ pod, mesh }: Scenario): boolean | null {
  if (mesh !== 'ours' || Object.keys(pod.probes).length === 0) return null;
  const { readinessProbe } = pod.probes as { readinessProbe: { httpGet?: { port: number | string } } };
  const port = readinessProbe.httpGet?.port;
  return port === undefined || resolve(port, pod.ports) !== undefined ? true : null;
}
