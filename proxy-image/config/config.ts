import { ACCESS_POLICIES, UNREADABLE_POLICY } from '../contract/access-policy.ts';
import { ENVIRONMENT } from '../contract/environment.ts';
import { WeftError } from '../contract/errors.ts';
import { HEAD_BYTES } from '../contract/head-bytes.ts';
import { parseRelayedProbes, type RelayedProbe } from '../contract/relayed-probes.ts';
import type { WorkloadDefaults } from '../core/policy/defaults.ts';
import type { ApiServer } from '../io/config-source/api-server.ts';
import type { AwaitOptions } from '../io/init/await.ts';
import type { RedirectOptions } from '../io/init/options.ts';
import type { Address } from '../io/transport/types.ts';
import {
  cidr,
  type Environment,
  EnvironmentReader,
  type Field,
  host,
  identity,
  integer,
  ipAddress,
  list,
  listenAddress,
  oneOf,
  pem,
  portRange,
  text,
} from './fields.ts';

export interface PodConfig {
  name: string;
  namespace: string;
  ips: string[];
  node: string;
}

export interface ListenConfig {
  outbound: Address[];
  inbound: Address[];
  inboundPlain: Address[];
  admin: Address[];
  /** Of the control port, at the addresses of `admin`. */
  tapPort: number;
}

export interface ControlConfig {
  /** Host name or address of the operator. */
  host: string;
  configPort: number;
  identityPort: number;
  /** TLS identity that the operator must prove on both ports. */
  identity: string;
}

export interface IdentityConfig {
  name: string;
  dir: string;
  tokenFile: string;
  /** The bundle at injection time, PEM. */
  trustAnchorsPem: string;
}

export interface ShutdownConfig {
  /** Longest drain. */
  graceMs: number;
  /** From a signal to the beginning of the drain. */
  waitMs: number;
  /** The signal comes to the application in the same moment: the proxy stays as long as there is one. */
  outlivesApplication: boolean;
  /** POST /shutdown from loopback drains the proxy. Off unless asked for: an application can be tricked into calling it (CVE-2024-40632). */
  admin: boolean;
}

export interface RunConfig {
  pod: PodConfig;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'off';
  accessLog: '' | 'apache' | 'json';
  listen: ListenConfig;
  control: ControlConfig;
  identity: IdentityConfig;
  configSource: 'operator' | 'kubernetes';
  /** In force until the `workload` resource arrives. */
  inbound: WorkloadDefaults;
  apiServer: ApiServer;
  shutdown: ShutdownConfig;
  /** Largest head of a request or response. */
  maxHeadBytes: number;
  relayedProbes: RelayedProbe[];
  /** Embedded mode: file with explicit listeners and translations; empty = redirected traffic. */
  localNetworkFile: string;
}

const V = ENVIRONMENT;
const port = integer(1, 65535);
const relayedProbes: Field<RelayedProbe[]> = { expected: 'what injection has written', parse: parseRelayedProbes };

/**
 * The proxy's configuration from its environment.
 * @throws WeftError WEFT_CONFIG_ENVIRONMENT naming every variable that is missing or wrong
 */
export function readRunConfig(environment: Environment): RunConfig {
  const reader = new EnvironmentReader(environment);
  const pod = readPod(reader);
  const configSource = reader.read(V.configSource, oneOf('operator', 'kubernetes'), 'operator');
  const config: RunConfig = {
    pod,
    logLevel: reader.read(V.logLevel, oneOf('debug', 'info', 'warn', 'error', 'off'), 'info'),
    accessLog: reader.read(V.accessLog, oneOf('', 'apache', 'json'), ''),
    listen: readListen(reader),
    control: readControl(reader),
    identity: readIdentity(reader),
    configSource,
    inbound: readInbound(reader, pod),
    apiServer: readApiServer(reader, environment, configSource === 'kubernetes'),
    shutdown: readShutdown(reader),
    maxHeadBytes: reader.read(V.maxHeadBytes, integer(HEAD_BYTES.least, HEAD_BYTES.most), HEAD_BYTES.fallback),
    relayedProbes: reader.read(V.relayedProbes, relayedProbes, []),
    localNetworkFile: reader.read(V.localNetwork, text, ''),
  };
  throwProblems(reader);
  return config;
}

/**
 * What the verb `init` needs.
 * @throws WeftError WEFT_CONFIG_ENVIRONMENT naming every variable that is missing or wrong
 */
export function readInitConfig(environment: Environment): RedirectOptions {
  const reader = new EnvironmentReader(environment);
  const options: RedirectOptions = {
    ports: readRedirectPorts(reader),
    uid: reader.read(V.uid, integer(1, 4_294_967_294), 1),
    skipInboundPorts: reader.read(V.skipInboundPorts, list(portRange), []),
    skipOutboundPorts: reader.read(V.skipOutboundPorts, list(portRange), []),
    skipSubnets: reader.read(V.skipSubnets, list(cidr), []),
  };
  throwProblems(reader);
  return options;
}

/**
 * What the verb `await` needs: `--timeout SECONDS` (default 120), `--port PORT` (default: that of the admin listener).
 * @throws WeftError WEFT_USAGE, WEFT_CONFIG_ENVIRONMENT
 */
export function readAwaitConfig(args: readonly string[], environment: Environment): AwaitOptions {
  const reader = new EnvironmentReader(environment);
  const [admin] = reader.read(V.adminListen, list(listenAddress), []);
  throwProblems(reader);
  const flags = readFlags(args, ['--timeout', '--port']);
  const adminPort = flags.get('--port') ?? admin?.port ?? 0;
  return { adminUrl: `http://${loopbackOf(admin)}:${adminPort}`, timeoutMs: (flags.get('--timeout') ?? 120) * 1000 };
}

function readFlags(args: readonly string[], known: readonly string[]): Map<string, number> {
  const flags = new Map<string, number>();
  for (let at = 0; at < args.length; at += 2) {
    const value = port.parse(args[at + 1] ?? '');
    if (!known.includes(args[at]!) || value === null)
      throw new WeftError('WEFT_USAGE', `await: expected ${known.join(' or ')} and a whole number`);
    flags.set(args[at]!, value);
  }
  return flags;
}

/** Where a listener on all addresses is reached from inside the pod. */
function loopbackOf(address: Address | undefined): string {
  if (address === undefined || address.ip === '::' || address.ip === '0.0.0.0') return '127.0.0.1';
  return address.ip.includes(':') ? `[${address.ip}]` : address.ip;
}

/** Redirection knows a port and no address: every address of one listener must have the same. */
function readRedirectPorts(reader: EnvironmentReader): RedirectOptions['ports'] {
  const listen = readListen(reader);
  const portOf = (addresses: Address[], name: string): number => {
    const ports = new Set(addresses.map((address) => address.port));
    if (ports.size !== 1) reader.problems.push(`${name}: expected addresses of one port`);
    return addresses[0]?.port ?? 0;
  };
  return {
    outbound: portOf(listen.outbound, V.outboundListen.name),
    inboundMesh: portOf(listen.inbound, V.inboundListen.name),
    inboundPlain: portOf(listen.inboundPlain, V.inboundPlainListen.name),
    tap: listen.tapPort,
    admin: portOf(listen.admin, V.adminListen.name),
  };
}

function throwProblems(reader: EnvironmentReader): void {
  if (reader.problems.length > 0) throw new WeftError('WEFT_CONFIG_ENVIRONMENT', reader.problems.join('; '));
}

function readPod(reader: EnvironmentReader): PodConfig {
  return {
    name: reader.read(V.podName, identity, ''),
    namespace: reader.read(V.podNamespace, identity, ''),
    ips: reader.read(V.podIps, list(ipAddress), []),
    node: reader.read(V.nodeName, text, ''),
  };
}

function readListen(reader: EnvironmentReader): ListenConfig {
  return {
    outbound: reader.read(V.outboundListen, list(listenAddress), []),
    inbound: reader.read(V.inboundListen, list(listenAddress), []),
    inboundPlain: reader.read(V.inboundPlainListen, list(listenAddress), []),
    admin: reader.read(V.adminListen, list(listenAddress), []),
    tapPort: reader.read(V.tapPort, integer(0, 65535), 1),
  };
}

function readControl(reader: EnvironmentReader): ControlConfig {
  return {
    host: reader.read(V.controlHost, host, ''),
    configPort: reader.read(V.configPort, port, 1),
    identityPort: reader.read(V.identityPort, port, 1),
    identity: reader.read(V.controlIdentity, identity, ''),
  };
}

function readIdentity(reader: EnvironmentReader): IdentityConfig {
  return {
    name: reader.read(V.identityName, identity, ''),
    dir: reader.read(V.identityDir, text, ''),
    tokenFile: reader.read(V.tokenFile, text, ''),
    trustAnchorsPem: reader.read(V.trustAnchors, pem, ''),
  };
}

function readInbound(reader: EnvironmentReader, pod: PodConfig): WorkloadDefaults {
  return {
    namespace: pod.namespace,
    pod: pod.name,
    policy: reader.read(V.defaultInboundPolicy, oneOf(...ACCESS_POLICIES), UNREADABLE_POLICY),
    clusterNetworks: reader.read(V.clusterNetworks, list(cidr), []),
    detectTimeoutMs: reader.read(V.detectTimeoutMs, integer(1, 3_600_000), 1),
    opaquePorts: reader.read(V.opaquePorts, list(portRange), []),
    requireIdentityPorts: reader.read(V.requireIdentityPorts, list(portRange), []),
  };
}

/** One day at most: a drain that is meant to be endless is written as a large number, not as a missing bound. */
function readShutdown(reader: EnvironmentReader): ShutdownConfig {
  const duration = integer(0, 86_400_000);
  const onOff = oneOf('enabled', 'disabled');
  return {
    graceMs: reader.read(V.shutdownGraceMs, duration, 0),
    waitMs: reader.read(V.shutdownWaitMs, duration, 0),
    outlivesApplication: reader.read(V.outliveApplication, onOff, 'disabled') === 'enabled',
    admin: reader.read(V.adminShutdown, onOff, 'disabled') === 'enabled',
  };
}

/** Direct mode. The kubelet sets host and port in every container; there is no name to fall back on, for the proxy does not know the cluster's domain. */
function readApiServer(reader: EnvironmentReader, environment: Environment, isDirect: boolean): ApiServer {
  const apiPort = environment['KUBERNETES_SERVICE_PORT'] ?? '';
  const apiHost = environment['KUBERNETES_SERVICE_HOST'] ?? '';
  if (isDirect && host.parse(apiHost) === null)
    reader.problems.push(`KUBERNETES_SERVICE_HOST=${JSON.stringify(apiHost.slice(0, 80))}: expected ${host.expected}`);
  return {
    host: host.parse(apiHost) ?? '',
    port: port.parse(apiPort) ?? 443,
    // Every API server's certificate carries it, whatever address it is reached by.
    serverName: 'kubernetes.default.svc',
    accountDir: reader.read(V.accountDir, text, ''),
  };
}
