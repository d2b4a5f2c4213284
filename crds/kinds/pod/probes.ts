import { PROXY_CONTAINER } from '../../../proxy-image/contract/names.ts';
import { LAST_PORT } from '../../../proxy-image/contract/port-ranges.ts';
import { child, listOf, numberOf, textOf } from '../../parse/metadata.ts';
import type { PodModel } from './model.ts';
import { probeTarget } from './probe-target.ts';

type HttpProbe = PodModel['httpProbes'][number];

/** Fields of a container that hold a probe, and of its `lifecycle` that hold a hook. */
export const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;
export const HOOKS = ['postStart', 'preStop'] as const;

/**
 * What the kubelet asks of the application's containers in HTTP: probes and lifecycle hooks, each (port, target) once. The proxy's own probes go to its
 * admin port and need no rule.
 */
export function readHttpProbes(containers: readonly unknown[]): HttpProbe[] {
  const found = new Map<string, HttpProbe>();
  for (const { container, handler } of handlers(containers)) {
    const probe = readHttpGet(child(handler, 'httpGet'), container);
    if (probe !== null) found.set(`${probe.port} ${probe.target}`, probe);
  }
  return [...found.values()];
}

/** Ports that the kubelet calls `grpc.health.v1.Health/Check` on, in plaintext; they have no names (core/v1 GRPCAction). */
export function readGrpcProbePorts(containers: readonly unknown[]): number[] {
  const ports = handlers(containers).map(({ handler }) => numberOf(child(handler, 'grpc'), 'port'));
  return [...new Set(ports.filter(isPort))];
}

function handlers(containers: readonly unknown[]): { container: unknown; handler: unknown }[] {
  return containers
    .filter((container) => textOf(container, 'name') !== PROXY_CONTAINER)
    .flatMap((container) => {
      const probes = PROBES.map((kind) => child(container, kind));
      const hooks = HOOKS.map((kind) => child(child(container, 'lifecycle'), kind));
      return [...probes, ...hooks].map((handler) => ({ container, handler }));
    });
}

/** `host` sends the request elsewhere; `scheme: HTTPS` is TLS to the application, in which a proxy sees no path. */
function readHttpGet(httpGet: unknown, container: unknown): HttpProbe | null {
  const scheme = textOf(httpGet, 'scheme');
  if (textOf(httpGet, 'host') !== '' || (scheme !== '' && scheme.toUpperCase() !== 'HTTP')) return null;
  const port = resolvePort(child(httpGet, 'port'), container);
  const target = port === 0 ? null : probeTarget(textOf(httpGet, 'path'));
  return target === null ? null : { port, target };
}

/** A named port is one of the same container (kubelet: `probe.ResolveContainerPort`); 0 where there is none. */
export function resolvePort(port: unknown, container: unknown): number {
  const found = typeof port === 'string' ? portOfText(port, container) : port;
  return isPort(found) ? found : 0;
}

function portOfText(port: string, container: unknown): number {
  const named = listOf(container, 'ports').find((candidate) => textOf(candidate, 'name') === port);
  return named === undefined ? Number(/^[0-9]{1,5}$/.exec(port)?.[0] ?? 0) : numberOf(named, 'containerPort');
}

function isPort(port: unknown): port is number {
  return typeof port === 'number' && Number.isInteger(port) && port >= 1 && port <= LAST_PORT;
}
