/**
 * Keys of the configuration stream. A key names one resource; its text form is the same on every replica and in direct mode.
 *
 *   workload/<namespace>/<pod>                          the proxy's own pod: inbound ports and their policies
 *   service/<ip>:<port>                                 what an original destination is (IPv6 addresses in brackets)
 *   endpoints/<namespace>/<service>:<port>/<ipv4|ipv6>  the addresses behind one Service port
 *   trust                                               the trust bundle
 */
export type AddressFamily = 'ipv4' | 'ipv6';

export type ResourceKey =
  | { kind: 'workload'; namespace: string; pod: string }
  | { kind: 'service'; ip: string; port: number }
  | { kind: 'endpoints'; namespace: string; service: string; port: number; family: AddressFamily }
  | { kind: 'trust' };

export const TRUST_KEY = 'trust';

export function formatAddress(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

export function formatKey(key: ResourceKey): string {
  switch (key.kind) {
    case 'workload':
      return `workload/${key.namespace}/${key.pod}`;
    case 'service':
      return `service/${formatAddress(key.ip, key.port)}`;
    case 'endpoints':
      return `endpoints/${key.namespace}/${key.service}:${key.port}/${key.family}`;
    case 'trust':
      return TRUST_KEY;
  }
}

const LABEL = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Parses the text form of a key; `null` when the text is not a key. Hostile input: a proxy may send anything. */
export function parseKey(text: string): ResourceKey | null {
  if (text.length > 600) return null;
  if (text === TRUST_KEY) return { kind: 'trust' };
  const parts = text.split('/');
  switch (parts[0]) {
    case 'workload':
      return parts.length === 3 ? parseWorkload(parts[1]!, parts[2]!) : null;
    case 'service':
      return parts.length === 2 ? parseService(parts[1]!) : null;
    case 'endpoints':
      return parts.length === 4 ? parseEndpoints(parts[1]!, parts[2]!, parts[3]!) : null;
    default:
      return null;
  }
}

function parseWorkload(namespace: string, pod: string): ResourceKey | null {
  return LABEL.test(namespace) && LABEL.test(pod) ? { kind: 'workload', namespace, pod } : null;
}

function parseService(address: string): ResourceKey | null {
  const parsed = parseAddress(address);
  return parsed === null ? null : { kind: 'service', ip: parsed.ip, port: parsed.port };
}

function parseEndpoints(namespace: string, servicePort: string, family: string): ResourceKey | null {
  const colon = servicePort.lastIndexOf(':');
  const service = servicePort.slice(0, colon);
  const port = parsePort(servicePort.slice(colon + 1));
  if (colon < 1 || port === null || !LABEL.test(namespace) || !LABEL.test(service)) return null;
  if (family !== 'ipv4' && family !== 'ipv6') return null;
  return { kind: 'endpoints', namespace, service, port, family };
}

function parsePort(text: string): number | null {
  if (!/^[1-9][0-9]{0,4}$/.test(text)) return null;
  const port = Number(text);
  return port <= 65535 ? port : null;
}

/** `1.2.3.4:80` or `[fd00::1]:80`. The IP is checked for its alphabet only: a key that names no real address is simply unknown. */
export function parseAddress(text: string): { ip: string; port: number } | null {
  const match = /^(?:([0-9.]{7,15})|\[([0-9a-f:.]{2,45})\]):([0-9]{1,5})$/.exec(text);
  // Without a colon it would be written without its brackets, as another key.
  if (match === null || match[2]?.includes(':') === false) return null;
  const port = parsePort(match[3]!);
  return port === null ? null : { ip: match[1] ?? match[2]!, port };
}
