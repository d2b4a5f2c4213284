/** Fuzzes texts with a grammar: durations, quantities, ports, networks, identities, keys, the proxy's environment. What is accepted is printed and read back as the same. */
import { isIP } from 'node:net';
import { ANNOTATIONS } from '../../crds/annotations/rows.ts';
import { probeTarget } from '../../crds/kinds/pod/probe-target.ts';
import { formatCidr, parseCidr } from '../../crds/scalars/cidr.ts';
import { formatDuration, parseDuration } from '../../crds/scalars/duration.ts';
import { parseIdentity } from '../../crds/scalars/identity.ts';
import { isDnsLabel, isDnsSubdomain, isLabelKey, isLabelValue } from '../../crds/scalars/name.ts';
import { formatPortRanges, parsePort, parsePortOrName, parsePortRanges } from '../../crds/scalars/port.ts';
import { portNames, readPortList } from '../../crds/scalars/port-list.ts';
import { formatQuantity, parseQuantity } from '../../crds/scalars/quantity.ts';
import type { Scalar } from '../../crds/scalars/scalar.ts';
import { parseServiceReference } from '../../crds/scalars/service-reference.ts';
import { parsePeerIp } from '../../lib/ip.ts';
import { readInitConfig, readRunConfig } from '../../proxy-image/config/config.ts';
import { ENVIRONMENT } from '../../proxy-image/contract/environment.ts';
import { CodedError } from '../../proxy-image/contract/errors.ts';
import { formatKey, parseKey } from '../../proxy-image/contract/keys.ts';
import { parseCidr as parseNetwork } from '../../proxy-image/core/net/cidr.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator } from './mutator.ts';

const TEXTS: readonly string[] = [
  ...['300ms', '1.5h', '2h45m', '-1s', '0', '.5s', '1us', '1µs', '9223372036s'],
  ...['500m', '1k', '1e3', '0.5', '1Ki', '1.5Gi', '-5', '+1E', '9007199254740991'],
  ...['8080', '1-65535', '25,587,3306-3310', 'http', '0', '65536'],
  ...['10.0.0.0/8', '::/0', 'fd00::1/64', '::ffff:10.0.0.1/104', '10.1.2.3', '1::2:3', '0.0.0.0'],
  ...['web.shop.serviceaccount.identity.linkerd.cluster.local', '*.shop', '*', 'a.b', 'web:8080', 'web.shop:http'],
  ...['service/10.96.0.1:80', 'endpoints/shop/web:80/ipv4', 'workload/shop/web-1', 'service/[fd00::1]:80', 'trust'],
  ...['kubernetes.io/name', 'info', 'warn,linkerd=debug', '100Mi', '30s', '2102'],
  ...['5xx,418-420', 'cancelled,internal', 'header:x-user', 'cookie:SID', '75%', 'deny', 'localhost/weft:v1'],
];

const PIECES: readonly string[] = [
  ...[
    '.',
    ',',
    '-',
    '+',
    ':',
    '::',
    '/',
    '0',
    '00',
    '9',
    '255',
    'e',
    'E',
    'm',
    'Ki',
    's',
    'µ',
    ' ',
    '\n',
    '\0',
    '*',
    '[',
  ],
  ...['999999999999999999999', 'ffff', '0x1', ']', '%lo0', 'ü', '1e99', '٣'],
];

export interface FuzzInput {
  text: string;
  variable: string;
}

const EVERY_ANNOTATION = Object.values(ANNOTATIONS).flat();
const NAMES = portNames([{ name: 'http', port: 8080 }]);

const VARIABLES: readonly string[] = Object.values(ENVIRONMENT).map(({ name }) => name);

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    return { text: this.#mutator.text(this.#mutator.pick(TEXTS), PIECES), variable: this.#mutator.pick(VARIABLES) };
  }
}

export function check({ text, variable }: FuzzInput): void {
  roundTrip(text, parseQuantity, formatQuantity);
  roundTrip(text, parseCidr, formatCidr);
  roundTrip(text, (each) => parsePortRanges(each), formatPortRanges);
  checkPortList(text);
  checkProbeTarget(text);
  checkDuration(text);
  checkNetworks(text);
  checkNames(text);
  checkKey(text);
  checkEnvironment(text, variable);
  for (const read of [parsePort, parsePortOrName]) sound(read(text));
  for (const { parse } of EVERY_ANNOTATION) sound(parse(text, NAMES));
}

function sound<T>(result: Scalar<T>): T | null {
  if (result.ok) return result.value;
  if (!/\S/.test(result.problem) || /\p{Cc}/u.test(result.problem) || result.problem.length > 1000) {
    throw new Error(`no usable problem: ${JSON.stringify(result.problem)}`);
  }
  return null;
}

function roundTrip<T>(text: string, parse: (text: string) => Scalar<T>, format: (value: T) => string): void {
  const value = sound(parse(text));
  if (value === null) return;
  const printed = format(value);
  const again = sound(parse(printed));
  if (JSON.stringify(again) !== JSON.stringify(value)) throw new Error(`${text}, printed as ${printed}, is another`);
}

/** What is left of a list is the same list, and nothing of it goes unmentioned. */
function checkPortList(text: string): void {
  const { ranges, leftOut, problem } = readPortList(text, NAMES);
  const again = readPortList(formatPortRanges(ranges));
  if (JSON.stringify(again.ranges) !== JSON.stringify(ranges))
    throw new Error(`${text} is not read as what is left of it`);
  const said = ranges.length > 0 || leftOut.length > 0 || problem !== '';
  if (said !== /[^\s,]/.test(text)) throw new Error(`${text} is left out without a word`);
}

/** Printed to the nanosecond; of large ones the last digits of a double. */
function checkDuration(text: string): void {
  const ms = sound(parseDuration(text));
  if (ms === null) return;
  if (!Number.isFinite(ms)) throw new Error(`a duration of ${ms}`);
  const again = sound(parseDuration(formatDuration(ms)));
  if (again === null || Math.abs(again - ms) > Math.max(1e-6, Math.abs(ms) * 1e-9)) {
    throw new Error(`${ms} ms printed as ${formatDuration(ms)} are ${again}`);
  }
}

/** What the operator lets through, the proxy understands. */
function checkNetworks(text: string): void {
  if (text.includes('%')) return;
  const width = { 0: null, 4: 4, 6: 16 }[isIP(text) as 0 | 4 | 6];
  const ip = parsePeerIp(text);
  if ((ip === null) !== (width === null)) throw new Error(`address by the platform: ${width}, by us: ${ip}`);
  const network = sound(parseCidr(text));
  if (network !== null && parseNetwork(formatCidr(network)) === null)
    throw new Error('a network that the proxy refuses');
}

function checkNames(text: string): void {
  for (const isOne of [isDnsLabel, isDnsSubdomain, isLabelKey, isLabelValue]) {
    if (isOne(text) && /[^\w./-]/.test(text)) throw new Error('a name with characters that names do not have');
  }
  sound(parseIdentity(text));
  const reference = parseServiceReference(text);
  if (reference !== null && JSON.stringify(reference).includes('\\'))
    throw new Error('a reference with control characters');
}

/** It becomes part of a request line: a slash first, one character per byte, and none that could end the line. */
function checkProbeTarget(text: string): void {
  const target = probeTarget(text);
  if (target === null) return;
  const isLine =
    target.startsWith('/') && target.split('').every((byte) => byte >= ' ' && byte <= '\xff' && byte !== '\x7f');
  if (!isLine) throw new Error(`no request target: ${JSON.stringify(target)}`);
}

function checkKey(text: string): void {
  const key = parseKey(text);
  if (key !== null && formatKey(key) !== text) throw new Error(`a key that is printed as ${formatKey(key)}`);
}

function checkEnvironment(text: string, variable: string): void {
  for (const read of [readRunConfig, readInitConfig]) {
    try {
      read({ [variable]: text });
    } catch (error) {
      if (!(error instanceof CodedError) || error.code !== 'WEFT_CONFIG_ENVIRONMENT') throw error;
    }
  }
}

if (import.meta.main) runFromCommandLine('scalars', (seed) => new Fuzzer(seed), check);
