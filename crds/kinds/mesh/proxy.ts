import { ACCESS_POLICIES } from '../../../proxy-image/contract/access-policy.ts';
import { HEAD_BYTES } from '../../../proxy-image/contract/head-bytes.ts';
import { LOG_LEVELS } from '../../../proxy-image/contract/log-levels.ts';
import type { Fields } from '../../parse/fields.ts';
import { formatCidr, parseCidr } from '../../scalars/cidr.ts';
import { parseDuration } from '../../scalars/duration.ts';
import { formatPortRanges, parsePortRanges } from '../../scalars/port.ts';
import { parseQuantity } from '../../scalars/quantity.ts';
import type { MeshModel } from './model.ts';

type Proxy = MeshModel['proxy'];

const FIELDS = [
  'image',
  'imagePullPolicy',
  'resources',
  'logLevel',
  'defaultInboundPolicy',
  'opaquePorts',
  'skipInboundPorts',
  'skipOutboundPorts',
  'skipSubnets',
  'detectTimeout',
  'maxHeadBytes',
  'nativeSidecar',
  'accessLog',
  'balancer',
];
const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
const ACCESS_LOGS = ['', 'apache', 'json'] as const;

export function parseMeshProxy(proxy: Fields | null, fallback: Proxy): Proxy {
  if (proxy === null) return fallback;
  proxy.closed(FIELDS);
  return {
    image: parseImage(proxy, fallback.image),
    imagePullPolicy: proxy.oneOf('imagePullPolicy', PULL_POLICIES, fallback.imagePullPolicy),
    resources: parseResources(proxy.object('resources'), fallback.resources),
    logLevel: proxy.oneOf('logLevel', LOG_LEVELS, 'info'),
    defaultInboundPolicy: proxy.oneOf('defaultInboundPolicy', ACCESS_POLICIES, fallback.defaultInboundPolicy),
    opaquePorts: parsePorts(proxy, 'opaquePorts', fallback.opaquePorts),
    skipInboundPorts: parsePorts(proxy, 'skipInboundPorts', fallback.skipInboundPorts),
    skipOutboundPorts: parsePorts(proxy, 'skipOutboundPorts', fallback.skipOutboundPorts),
    skipSubnets: parseSubnets(proxy),
    detectTimeoutMs: parsePositiveDuration(proxy, 'detectTimeout', fallback.detectTimeoutMs),
    maxHeadBytes: parseHeadBytes(proxy, fallback.maxHeadBytes),
    nativeSidecar: proxy.boolean('nativeSidecar') ?? fallback.nativeSidecar,
    accessLog: proxy.oneOf('accessLog', ACCESS_LOGS, ''),
    balancer: parseBalancer(proxy.object('balancer'), fallback.balancer),
  };
}

/** An image reference: no spaces or control characters, at most 512 characters; whether it exists only a pull can tell. */
function parseImage(proxy: Fields, fallback: string): string {
  const image = proxy.text('image') || fallback;
  if (image !== '' && !/^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,511}$/.test(image)) {
    proxy.problems.error(proxy.at('image'), 'must be an image reference');
  }
  return image;
}

function parseResources(resources: Fields | null, fallback: Proxy['resources']): Proxy['resources'] {
  if (resources === null) return fallback;
  resources.closed(['requests', 'limits']);
  const requests = parseAmounts(resources.object('requests'));
  const limits = parseAmounts(resources.object('limits'));
  return { cpuRequest: requests.cpu, cpuLimit: limits.cpu, memoryRequest: requests.memory, memoryLimit: limits.memory };
}

function parseAmounts(amounts: Fields | null): { cpu: string; memory: string } {
  if (amounts === null) return { cpu: '', memory: '' };
  amounts.closed(['cpu', 'memory']);
  return { cpu: parseAmount(amounts, 'cpu'), memory: parseAmount(amounts, 'memory') };
}

/** The quantity as written, so that a pod shows what the user wrote. */
function parseAmount(amounts: Fields, key: string): string {
  const value = amounts.raw(key);
  if (value === undefined || value === '') return '';
  const amount = amounts.accept<number | null>(parseQuantity(value), amounts.at(key), null);
  if (amount === null) return '';
  if (amount < 0) amounts.problems.error(amounts.at(key), 'must not be negative');
  return String(value);
}

/**
 * A field that is written, be it empty, replaces the default; it does not add to it (Linkerd: `opaque-ports`). In canonical form: the text goes into
 * variables of containers, which read it more strictly.
 */
function parsePorts(proxy: Fields, key: string, fallback: string): string {
  return formatPortRanges(proxy.accept(parsePortRanges(proxy.string(key) ?? fallback), proxy.at(key), []));
}

function parseSubnets(proxy: Fields): string {
  const subnets: string[] = [];
  for (const text of proxy.text('skipSubnets').split(',')) {
    if (text.trim() === '') continue;
    const subnet = proxy.accept(parseCidr(text.trim()), proxy.at('skipSubnets'), null);
    if (subnet !== null) subnets.push(formatCidr(subnet));
  }
  return subnets.join(',');
}

function parsePositiveDuration(fields: Fields, key: string, fallbackMs: number): number {
  const durationMs = fields.scalar(key, parseDuration, fallbackMs);
  if (durationMs <= 0) fields.problems.error(fields.at(key), 'must be longer than zero');
  return durationMs;
}

function parseHeadBytes(proxy: Fields, fallback: number): number {
  const bytes = proxy.integer('maxHeadBytes') ?? fallback;
  if (bytes < HEAD_BYTES.least || bytes > HEAD_BYTES.most) {
    proxy.problems.error(proxy.at('maxHeadBytes'), `must be between ${HEAD_BYTES.least} and ${HEAD_BYTES.most}`);
  }
  return bytes;
}

function parseBalancer(balancer: Fields | null, fallback: Proxy['balancer']): Proxy['balancer'] {
  if (balancer === null) return fallback;
  balancer.closed(['type', 'defaultRtt', 'decay']);
  const type = balancer.oneOf('type', ['ewma', 'roundRobin'], fallback.type);
  const defaultRttMs = parsePositiveDuration(
    balancer,
    'defaultRtt',
    fallback.type === 'ewma' ? fallback.defaultRttMs : 1,
  );
  const decayMs = parsePositiveDuration(balancer, 'decay', fallback.type === 'ewma' ? fallback.decayMs : 1);
  return type === 'ewma' ? { type, defaultRttMs, decayMs } : { type };
}
