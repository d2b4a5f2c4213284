import { PROXY_CONTAINER } from '../../proxy-image/contract/names.ts';
import type { PodModel } from '../types/kubernetes.ts';
import { child, listOf, numberOf, textOf } from './metadata.ts';

type Probe = PodModel['httpProbes'][number];

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const;

/** HTTP probes of the application's containers, each (port, path) once. The proxy's own probes go to its admin port and need no rule. */
export function readHttpProbes(containers: readonly unknown[]): Probe[] {
  const found = new Map<string, Probe>();
  for (const container of containers) {
    if (textOf(container, 'name') === PROXY_CONTAINER) continue;
    for (const kind of PROBES) {
      const probe = readProbe(child(child(container, kind), 'httpGet'), container);
      if (probe !== null) found.set(`${probe.port} ${probe.path}`, probe);
    }
  }
  return [...found.values()];
}

function readProbe(httpGet: unknown, container: unknown): Probe | null {
  const port = resolvePort(child(httpGet, 'port'), container);
  return port === 0 ? null : { port, path: normalizePath(textOf(httpGet, 'path')) };
}

/** A named port is one of the same container (kubelet: `probe.ResolveContainerPort`). */
function resolvePort(port: unknown, container: unknown): number {
  if (typeof port === 'number') return port;
  if (typeof port !== 'string') return 0;
  const named = listOf(container, 'ports').find((candidate) => textOf(candidate, 'name') === port);
  return named === undefined ? Number(/^[0-9]{1,5}$/.exec(port)?.[0] ?? 0) : numberOf(named, 'containerPort');
}

/** What the kubelet will put into the request line, without query: a missing leading slash is added (linkerd2#11590, #14034). */
function normalizePath(path: string): string {
  const withoutQuery = path.replace(/[?#].*$/s, '');
  return withoutQuery.startsWith('/') ? withoutQuery : `/${withoutQuery}`;
}
