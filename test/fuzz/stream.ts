/**
 * Fuzzes what comes over the control plane's connections and from the snapshot file: framing, envelopes of both directions, resources, certificate messages, and the
 * lines of a watch. Nothing but the coded errors is thrown, and the state can be judged by and read back after whatever was applied.
 */
import { LineSplitter } from '../../lib/lines.ts';
import { checkOperatorMessage, checkProxyMessage } from '../../proxy-image/contract/check.ts';
import { CodedError, type ErrorCode } from '../../proxy-image/contract/errors.ts';
import { encodeFrame, FrameReader } from '../../proxy-image/contract/framing.ts';
import { parseCertifyRequest, parseIdentityAnswer } from '../../proxy-image/contract/identity-messages.ts';
import type { Change } from '../../proxy-image/contract/messages.ts';
import { authorizeConnection, InboundPeer } from '../../proxy-image/core/policy/authorize.ts';
import type { ProxyState } from '../../proxy-image/core/state/state.ts';
import { JsonLines } from '../../proxy-image/io/config-source/kubernetes/json-lines.ts';
import { parseLocalNetwork } from '../../proxy-image/io/transport/local-network.ts';
import {
  authorization,
  endpoint,
  endpointsKey,
  ManualClock,
  newState,
  portPolicy,
  request,
  route,
  SERVICE_KEY,
  service,
  set,
  WORKLOAD_KEY,
  workload,
} from '../unit/core/fixtures.ts';
import { runFromCommandLine } from './driver.ts';
import { Mutator, partsOf } from './mutator.ts';

const MATCH = {
  type: 'all' as const,
  of: [
    { type: 'path' as const, regex: '/a' },
    { type: 'not' as const, of: { type: 'method' as const, method: 'GET' } },
  ],
};
const CLASSES = [
  { match: { type: 'not' as const, of: { type: 'status' as const, min: 500, max: 599 } }, isFailure: true },
];
const NETWORKS = [{ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', 'fd00::/8'] }];

const CHANGES: readonly Change[] = [
  set(SERVICE_KEY, service({ routes: [route('a', '/a/.*', { match: MATCH, responseClasses: CLASSES })] })),
  set('service/10.0.0.9:80', {
    sources: '1',
    type: 'pod',
    namespace: 'n',
    pod: 'p',
    protocol: 'http1',
    endpoint: endpoint('10.0.0.9'),
  }),
  set(endpointsKey('web'), { sources: '1', endpoints: [endpoint('10.0.0.1'), endpoint('fd00::1')] }, 'e1'),
  set(
    WORKLOAD_KEY,
    workload({
      '80': portPolicy({
        authorizations: [authorization('a', { networks: NETWORKS })],
        profile: { dst: 'd', routes: [route('a', '/a')] },
      }),
    }),
  ),
  set('trust', { sources: '1', anchorsPem: '-----BEGIN CERTIFICATE-----' }),
  {
    op: 'patch',
    key: endpointsKey('web'),
    baseVersion: 'e1',
    version: 'e2',
    sources: '2',
    added: [endpoint('10.0.0.2')],
    changed: [endpoint('10.0.0.1')],
    removed: ['[fd00::1]:8080'],
  },
  { op: 'delete', key: SERVICE_KEY },
];

const MESSAGES: readonly unknown[] = [
  { type: 'batch', seq: 1, changes: CHANGES },
  { type: 'batch', seq: 2, changes: CHANGES.slice(0, 2) },
  { type: 'pong' },
  { type: 'error', code: 'WEFT_STREAM_FULL', message: 'later' },
  {
    type: 'hello',
    revision: 1,
    namespace: 'shop',
    pod: 'web-1',
    node: 'n',
    proxyVersion: '1',
    held: [{ key: 'trust', version: 'v', sources: '1' }],
  },
  { type: 'subscribe', keys: [SERVICE_KEY] },
  { type: 'ack', seq: 3 },
  { type: 'nack', seq: 3, key: 'trust', problems: ['anchorsPem: none'] },
  { type: 'certify', token: 'e30.e30.x', csr: 'AAAA' },
  {
    type: 'certificate',
    identity: 'web.shop',
    certificateChainPem: 'x',
    trustAnchorsPem: 'y',
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2026-01-02T00:00:00Z',
  },
  { type: 'error', code: 'WEFT_SIGNING_CSR', message: 'no', retryAfterMs: 10 },
  { format: 1, resources: [{ key: SERVICE_KEY, version: 'v', body: service() }] },
  { outbound: [{ listen: '127.0.0.1:0', destination: '10.0.0.1:80' }], addresses: { '10.0.0.1': '127.0.0.1' } },
];

const PIECES: readonly string[] = [
  '\x00\x00\x00\x00',
  '\xff\xff\xff\xff',
  '\x00\x00\x00\x02{}',
  '\n',
  '"',
  '{',
  '[[[[[[[[',
  '\xc3\x28',
  '\xef\xbb\xbf',
  '\\ud800',
  '1e999',
];

const MAX_MESSAGE_BYTES = 64 * 1024;

export interface FuzzInput {
  /** JSON texts of messages. */
  messages: string[];
  /** Frames and lines as they come from the network. */
  frames: string;
  lines: string;
  cuts: number[];
}

export class Fuzzer {
  readonly #mutator: Mutator;

  constructor(seed: number) {
    this.#mutator = new Mutator(seed);
  }

  next(): FuzzInput {
    const messages = Array.from({ length: 3 }, () => this.#mutator.json(this.#mutator.pick(MESSAGES), 4));
    const frames = this.#mutator.pick(MESSAGES.slice(2)) as object;
    const text = Buffer.from(encodeFrame(frames))
      .toString('latin1')
      .repeat(1 + this.#mutator.below(2));
    const lines = `${JSON.stringify(this.#mutator.pick(MESSAGES.slice(2)))}\n`.repeat(2);
    return {
      messages,
      frames: this.#mutator.text(text, PIECES, 2),
      lines: this.#mutator.text(lines, PIECES, 2),
      cuts: this.#mutator.cuts(text.length),
    };
  }
}

export function check({ messages, frames, lines, cuts }: FuzzInput): void {
  const readers: [name: string, read: (parts: Buffer[]) => unknown[], code: ErrorCode | null][] = [
    [frames, (parts) => readAll(parts, new FrameReader(MAX_MESSAGE_BYTES)), 'WEFT_FRAMING'],
    [lines, (parts) => readAll(parts, new JsonLines()), 'WEFT_DIRECT_API'],
    [lines, readLines, null],
  ];
  for (const [text, read, code] of readers) {
    const whole = outcomeOf(() => read([Buffer.from(text, 'latin1')]), code);
    const inParts = outcomeOf(() => read(partsOf(text, cuts)), code);
    if (whole !== inParts) throw new Error(`read in parts: ${inParts}, as a whole: ${whole}`);
  }
  const state = newState(new ManualClock());
  state.apply(CHANGES.slice(0, 5));
  for (const text of messages) checkMessage(JSON.parse(text), state);
  checkState(state);
}

function readAll(parts: Buffer[], reader: { push(chunk: Uint8Array): unknown[] }): unknown[] {
  return parts.flatMap((part) => {
    const read = reader.push(part);
    part.fill(0x21);
    return read;
  });
}

function readLines(parts: Buffer[]): unknown[] {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  for (const part of parts) splitter.push(part, (line) => lines.push(line));
  return lines;
}

/** Only the failure is compared: how much was read before it depends on how the bytes come. */
function outcomeOf(read: () => unknown[], code: ErrorCode | null): string {
  try {
    return JSON.stringify(read());
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== code) throw error;
    return 'refused';
  }
}

function checkMessage(message: unknown, state: ProxyState): void {
  const fromProxy = checkProxyMessage(message);
  if (fromProxy.message !== null && fromProxy.problem !== null) throw new Error('a message and a problem');
  parseCertifyRequest(message);
  parseIdentityAnswer(message);
  outcomeOf(() => [parseLocalNetwork(message)], 'WEFT_CONFIG_ENVIRONMENT');
  state.restore(message);
  const { message: checked, rejected } = checkOperatorMessage(message);
  for (const { problem } of rejected) if (problem === '' || problem.length > 2000) throw new Error('no usable problem');
  if (checked?.type !== 'batch') return;
  for (const { key, problems, applied } of state.apply(checked.changes)) {
    if (problems.length === 0 || key === '') throw new Error('rejected without a reason');
    if (problems.some((text) => text.length > 2000)) throw new Error('a problem that floods the log');
    if (applied === undefined) throw new Error('neither applied nor not');
  }
}

/** Whatever was applied can be judged by, written down, and read back. */
function checkState(state: ProxyState): void {
  const peer = new InboundPeer('10.1.1.1', null, false);
  authorizeConnection(state.inboundPort(80).policy, peer);
  for (const address of ['10.96.0.1', '10.0.0.9']) {
    const { entry } = state.destination(address, 80);
    if (entry?.kind !== 'service') continue;
    entry.routes.match(request('GET', '/a/b'));
    for (const { dispatch } of entry.backends) {
      if (dispatch.type === 'balance' && !Array.isArray(dispatch.pool.endpoints)) throw new Error('no endpoints');
    }
  }
  const again = newState(new ManualClock());
  const problems = again.restore(JSON.parse(state.persist())).filter(({ applied }) => !applied);
  if (problems.length > 0) throw new Error(`held but cannot be read back: ${JSON.stringify(problems)}`);
}

if (import.meta.main) runFromCommandLine('stream', (seed) => new Fuzzer(seed), check);
