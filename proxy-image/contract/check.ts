import { isObject } from '../../lib/json.ts';
import { MAX_IDENTITY_MESSAGE_BYTES } from './identity-messages.ts';
import { parseKey } from './keys.ts';
import type { Change, Hello, OperatorMessage, ProxyMessage, RenewalRequest } from './messages.ts';
import type { Endpoint, ResourceBody } from './resources.ts';
import type { TrafficReport, TrafficRequest } from './traffic/report.ts';

/**
 * Envelope checks of the stream's messages, for both sides: everything from the network is hostile, older or newer. Unknown fields are
 * ignored. Bodies of resources are left to `core/state/parse`, which knows what a rule it does not understand must mean.
 */
type Fields = Readonly<Record<string, unknown>>;

/** Keys and versions are short; a problem list may be long but not without end. */
const MAX_TEXT = 1_024;
const MAX_LIST = 100_000;
const MAX_PROBLEMS = 20;

/** Neither message nor problem: a type of a newer contract, to be ignored. */
export type Checked<T> = { message: T; problem: null } | { message: null; problem: string | null };

/** A report of traffic is left to `traffic/check.ts`, and looked at only by who asked for it. */
export type ReceivedProxyMessage =
  | Exclude<ProxyMessage, TrafficReport>
  | { type: TrafficReport['type']; report: unknown };

/** What the operator receives. */
export function checkProxyMessage(value: unknown): Checked<ReceivedProxyMessage> {
  if (!isObject(value)) return bad('a message must be an object');
  switch (value['type']) {
    case 'hello':
      return checkHello(value);
    case 'subscribe':
    case 'unsubscribe':
      if (!isList(value['keys'], isText)) return bad(`${value['type']}.keys must be a list of texts`);
      return good({ type: value['type'], keys: value['keys'] });
    case 'ack':
      return isSeq(value['seq']) ? good({ type: 'ack', seq: value['seq'] }) : bad('ack.seq must be an integer');
    case 'nack':
      return checkNack(value);
    case 'ping':
      return good({ type: 'ping' });
    case 'traffic':
      return good({ type: 'traffic', report: value });
    case 'certificate': {
      const { chainPem } = value;
      const isChain = typeof chainPem === 'string' && chainPem.length <= MAX_IDENTITY_MESSAGE_BYTES;
      return isChain
        ? good({ type: 'certificate', chainPem })
        : bad('certificate.chainPem must be a text of at most 64 KiB');
    }
    default:
      return unknownType(value);
  }
}

function checkHello(value: Fields): Checked<ReceivedProxyMessage> {
  const { revision, namespace, pod, node, proxyVersion, held } = value;
  if (!isSeq(revision)) return bad('hello.revision must be an integer');
  if (!isText(namespace) || !isText(pod)) return bad('hello.namespace and hello.pod must be texts');
  if (!isList(held, isHeld)) return bad('hello.held must be a list of {key, version, sources}');
  const hello: Hello = {
    type: 'hello',
    revision,
    namespace,
    pod,
    node: isText(node) ? node : '',
    proxyVersion: isText(proxyVersion) ? proxyVersion : '',
    held: held.map(({ key, version, sources }) => ({ key, version, sources })),
  };
  return good(hello);
}

function checkNack({ seq, key, problems }: Fields): Checked<ReceivedProxyMessage> {
  if (!isSeq(seq) || !isText(key)) return bad('nack.seq must be an integer and nack.key a text');
  const texts = Array.isArray(problems) ? problems.filter((problem) => typeof problem === 'string') : [];
  const cut = texts.slice(0, MAX_PROBLEMS).map((problem) => problem.slice(0, MAX_TEXT));
  return good({ type: 'nack', seq, key, problems: cut });
}

/** What a proxy reads of itself; what few are sent (`traffic/check.ts`) is left to who loads its part. */
export type CheckedOperatorMessage = Exclude<OperatorMessage, TrafficRequest | RenewalRequest>;

/** What a proxy receives. A change that cannot be understood is left out of the batch and named in `problems`, under its key. */
export function checkOperatorMessage(value: unknown): Checked<CheckedOperatorMessage> & { rejected: RejectedChange[] } {
  const rejected: RejectedChange[] = [];
  return { ...operatorMessage(value, rejected), rejected };
}

export interface RejectedChange {
  key: string;
  problem: string;
}

function operatorMessage(value: unknown, rejected: RejectedChange[]): Checked<CheckedOperatorMessage> {
  if (!isObject(value)) return bad('a message must be an object');
  switch (value['type']) {
    case 'batch': {
      const { seq, changes } = value;
      if (!isSeq(seq) || !Array.isArray(changes)) return bad('batch must have an integer seq and a list of changes');
      return good({ type: 'batch', seq, changes: changes.flatMap((change) => checkChange(change, rejected)) });
    }
    case 'pong':
      return good({ type: 'pong' });
    case 'error':
      return good({ type: 'error', code: cutText(value['code']), message: cutText(value['message']) });
    default:
      return unknownType(value);
  }
}

function checkChange(value: unknown, rejected: RejectedChange[]): Change[] {
  const fields = isObject(value) ? value : {};
  const change = parseChange(fields);
  if (typeof change !== 'string') return [change];
  rejected.push({ key: cutText(fields['key']), problem: change });
  return [];
}

/** The change, or what is wrong with it. */
function parseChange(fields: Fields): Change | string {
  const { op, key, version, body } = fields;
  if (!isText(key) || parseKey(key) === null) return 'key: expected a key of the contract';
  if (op === 'delete') return { op, key };
  if (!isText(version)) return 'version: expected a text';
  if (op === 'set') return isBody(body) ? { op, key, version, body } : 'body: expected an object with sources';
  if (op === 'patch') return parsePatch(key, version, fields);
  return `op: unknown operation ${JSON.stringify(String(op).slice(0, 40))}`;
}

function parsePatch(key: string, version: string, fields: Fields): Change | string {
  const { baseVersion, sources, added, changed, removed } = fields;
  if (parseKey(key)?.kind !== 'endpoints') return 'op: only endpoints can be patched';
  if (!isText(baseVersion) || !isText(sources)) return 'baseVersion, sources: expected texts';
  if (!isList(added, isEndpoint)) return 'added: expected a list of endpoints';
  if (!isList(changed, isEndpoint)) return 'changed: expected a list of endpoints';
  if (!isList(removed, isText)) return 'removed: expected a list of texts';
  return { op: 'patch', key, baseVersion, version, sources, added, changed, removed };
}

/** Only what tells one endpoint from another; `core/state/parse` reads the rest. */
function isEndpoint(value: unknown): value is Endpoint {
  return isObject(value) && isText(value['address']) && Number.isInteger(value['port']);
}

function isBody(value: unknown): value is ResourceBody {
  return isObject(value) && isText(value['sources']);
}

function isHeld(value: unknown): value is Hello['held'][number] {
  return isObject(value) && isText(value['key']) && isText(value['version']) && isText(value['sources']);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isList<T>(value: unknown, isItem: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.length <= MAX_LIST && value.every(isItem);
}

function cutText(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : '';
}

function unknownType<T>({ type }: Fields): Checked<T> {
  return isText(type) ? { message: null, problem: null } : bad('a message must have a type');
}

function good<T>(message: T): Checked<T> {
  return { message, problem: null };
}

function bad<T>(problem: string): Checked<T> {
  return { message: null, problem };
}
