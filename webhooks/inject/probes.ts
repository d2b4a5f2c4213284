import { probeTarget } from '../../crds/kinds/pod/probe-target.ts';
import { HOOKS, PROBES, resolvePort } from '../../crds/kinds/pod/probes.ts';
import { child, listOf, numberOf, textOf } from '../../crds/parse/metadata.ts';
import { isDnsLabel } from '../../crds/scalars/name.ts';
import { isObject } from '../../lib/json.ts';
import { portInRanges, type ReadonlyPortRange } from '../../proxy-image/contract/port-ranges.ts';
import { RELAYED_PROBE_PREFIX, type RelayedProbe } from '../../proxy-image/contract/relayed-probes.ts';
import { type AddOperation, pointer } from '../json-patch.ts';

/** Kubernetes' default of `timeoutSeconds`. */
const PROBE_TIMEOUT_S = 1;
/** A hook has no time limit of its own but the pod's grace period, of which this is the default. */
const HOOK_TIMEOUT_S = 30;

export interface Relay {
  probes: RelayedProbe[];
  /** Applies to the pod as it came: before anything is put into its lists of containers. */
  patch: AddOperation[];
}

/** Lists of ports that decide which probes the proxy can let through by itself. */
export interface ProbedPorts {
  admin: number;
  skipped: readonly ReadonlyPortRange[];
  opaque: readonly ReadonlyPortRange[];
}

/** Points HTTPS and TCP probes of the application, and those of opaque ports, at the admin port, but for those that go elsewhere or bypass the proxy anyway. */
export function relayProbes(pod: unknown, ports: ProbedPorts): Relay {
  const relay: Relay = { probes: [], patch: [] };
  for (const { container, at } of longRunning(pod)) {
    for (const { kind, where, timeoutS, isHook } of handlersOf(container)) {
      const handler = where.reduce<unknown>(child, container);
      const probe = relayed(container, handler, { kind, timeoutS, isHook });
      if (probe === null || portInRanges(probe.port, ports.skipped)) continue;
      if (probe.type === 'http' && !portInRanges(probe.port, ports.opaque)) continue;
      relay.probes.push(probe);
      relay.patch.push({ op: 'add', path: pointer(...at, ...where), value: asked(handler, probe.path, ports.admin) });
    }
  }
  return relay;
}

/** Containers and native sidecars; what is no DNS label the API server refuses, and would not do as a path. */
function longRunning(pod: unknown): { container: unknown; at: (string | number)[] }[] {
  const spec = child(pod, 'spec');
  return ['containers', 'initContainers'].flatMap((list) =>
    listOf(spec, list)
      .map((container, index) => ({ container, at: ['spec', list, index] }))
      .filter(({ container }) => isDnsLabel(textOf(container, 'name')))
      .filter(({ container }) => list === 'containers' || textOf(container, 'restartPolicy') === 'Always'),
  );
}

interface Asking {
  kind: string;
  timeoutS: number;
  isHook: boolean;
}

function handlersOf(container: unknown): (Asking & { where: string[] })[] {
  return [
    ...PROBES.map((kind) => {
      const timeoutS = numberOf(child(container, kind), 'timeoutSeconds') || PROBE_TIMEOUT_S;
      return { kind, where: [kind], timeoutS, isHook: false };
    }),
    ...HOOKS.map((kind) => ({ kind, where: ['lifecycle', kind], timeoutS: HOOK_TIMEOUT_S, isHook: true })),
  ];
}

function relayed(container: unknown, handler: unknown, { kind, timeoutS, isHook }: Asking): RelayedProbe | null {
  const httpGet = child(handler, 'httpGet');
  const tcpSocket = child(handler, 'tcpSocket');
  const type = isObject(httpGet) ? (textOf(httpGet, 'scheme').toUpperCase() === 'HTTPS' ? 'https' : 'http') : 'tcp';
  // The kubelet ignores tcpSocket of a hook.
  if (type === 'tcp' && (!isObject(tcpSocket) || isHook)) return null;
  const action = type === 'tcp' ? tcpSocket : httpGet;
  const port = resolvePort(child(action, 'port'), container);
  const target = type === 'tcp' ? '' : probeTarget(textOf(httpGet, 'path'));
  if (port === 0 || target === null || textOf(action, 'host') !== '') return null;
  return {
    path: `${RELAYED_PROBE_PREFIX}${textOf(container, 'name')}/${kind}`,
    type,
    port,
    target,
    headers: listOf(action, 'httpHeaders').map((field) => [textOf(field, 'name'), textOf(field, 'value')]),
    timeoutMs: Math.min(Math.max(1, Math.round(timeoutS)), 3_600) * 1_000,
    isHook,
  };
}

/** The same probe, its times and thresholds kept, of the admin port. */
function asked(handler: unknown, path: string, port: number): Record<string, unknown> {
  const kept = Object.entries(isObject(handler) ? handler : {}).filter(
    ([key]) => key !== 'tcpSocket' && key !== 'httpGet',
  );
  return { ...Object.fromEntries(kept), httpGet: { path, port, scheme: 'HTTP' } };
}
