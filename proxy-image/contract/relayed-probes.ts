/**
 * Probes of the application that the proxy makes in the kubelet's place. Of a probe inside TLS, or of an opaque port, a proxy sees no path, and a TCP probe
 * it would answer by itself, whether anything listens or not. So injection points them at the proxy's admin port, and tells the proxy what each stands for.
 */
export interface RelayedProbe {
  /** What the kubelet asks the admin port for; says which container and which of its probes. */
  path: string;
  type: 'tcp' | 'http' | 'https';
  port: number;
  /** Request target, one character per byte; empty for TCP. */
  target: string;
  /** Fields that the probe names, in order. */
  headers: [name: string, value: string][];
  timeoutMs: number;
  /** A lifecycle hook: the kubelet asks whether there is an answer, and for no status. */
  isHook: boolean;
}

/** Nothing else is asked for below it. */
export const RELAYED_PROBE_PREFIX = '/app-probe/';

const MAX_TIMEOUT_MS = 3_600_000;

/** For the environment; without a dollar sign, for Kubernetes replaces `$(NAME)` in values. */
export function formatRelayedProbes(probes: readonly RelayedProbe[]): string {
  return JSON.stringify(probes).replaceAll('$', '\\u0024');
}

/** `null` where the text is none of `formatRelayedProbes`. */
export function parseRelayedProbes(text: string): RelayedProbe[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return Array.isArray(value) && value.every(isRelayedProbe) ? value : null;
}

function isRelayedProbe(value: unknown): value is RelayedProbe {
  if (typeof value !== 'object' || value === null) return false;
  const { path, type, port, target, headers, timeoutMs, isHook }: Partial<Record<keyof RelayedProbe, unknown>> = value;
  const isText = typeof path === 'string' && typeof target === 'string' && path.startsWith(RELAYED_PROBE_PREFIX);
  return (
    isText &&
    (type === 'tcp' || type === 'http' || type === 'https') &&
    isIn(port, 65_535) &&
    isIn(timeoutMs, MAX_TIMEOUT_MS) &&
    isFields(headers) &&
    typeof isHook === 'boolean'
  );
}

function isIn(value: unknown, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max;
}

function isFields(value: unknown): boolean {
  const isField = (field: unknown) =>
    Array.isArray(field) && field.length === 2 && field.every((part) => typeof part === 'string');
  return Array.isArray(value) && value.every(isField);
}
