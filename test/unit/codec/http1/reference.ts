/**
 * A second, slow reader of HTTP/1 messages, made to disagree with ours wherever ours is wrong: it works on text, by splitting and regular expressions, and
 * accepts only what the proxy may emit.
 */
export interface ReferenceMessage {
  startLine: string;
  fields: [name: string, value: string][];
  body: string;
}

const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

/** Reads all messages of a stream. Throws when it is not one. An unfinished last message is left out. */
export function readMessages(stream: string, isResponse: boolean): ReferenceMessage[] {
  const messages: ReferenceMessage[] = [];
  for (let rest = stream; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return messages;
    const [startLine, ...lines] = rest.slice(0, end).split('\r\n');
    const fields = lines.map(readField);
    checkStartLine(startLine!, isResponse);
    if (!isResponse) checkHost(startLine!, fields);
    const body = readBody(rest.slice(end + 4), fields, isResponse ? responseKind(startLine!, fields) : 'framed');
    if (body === null) return messages;
    messages.push({ startLine: startLine!, fields, body: body.text });
    // What follows is no message of HTTP: a tunnel, or nothing.
    if (startLine!.startsWith('CONNECT ')) return messages;
    rest = rest.slice(end + 4 + body.length);
  }
  return messages;
}

function readField(line: string): [string, string] {
  const match = FIELD.exec(line);
  if (match === null) throw new Error(`no field line: ${JSON.stringify(line)}`);
  return [match[1]!.toLowerCase(), match[2]!];
}

function checkStartLine(line: string, isResponse: boolean): void {
  const form = isResponse
    ? /^HTTP\/1\.1 [1-9]\d\d/
    : /^(?:CONNECT [^\s/?#@]+:\d+|[!#$%&'*+\-.^_`|~0-9A-Za-z]+ (?:(?:https?:\/\/[^\s/?#@]+(?=[/? ]))?(?:[/?][\x21\x22\x24-\x7e\x80-\xff]*)?|\*)) HTTP\/1\.1$/i;
  if (!form.test(line)) throw new Error(`no start line: ${JSON.stringify(line)}`);
}

/** An absolute form is the host too, and nothing else is. */
function checkHost(line: string, fields: [string, string][]): void {
  const authority = /^\S+ https?:\/\/([^\s/?]+)/i.exec(line)?.[1];
  const host = fields.find(([name]) => name === 'host')?.[1];
  if (authority !== undefined && host !== authority) throw new Error(`${authority} is not ${host}`);
}

type Kind = 'none' | 'framed' | 'until close';

function responseKind(startLine: string, fields: [string, string][]): Kind {
  if (/^HTTP\/1\.1 (1\d\d|204|304)/.test(startLine)) return 'none';
  if (fields.some(([name]) => name === 'content-length' || name === 'transfer-encoding')) return 'framed';
  if (!fields.some(([name, value]) => name === 'connection' && value === 'close')) throw new Error('no end in sight');
  return 'until close';
}

function readBody(rest: string, fields: [string, string][], kind: Kind): { text: string; length: number } | null {
  const lengths = fields.filter(([name]) => name === 'content-length').map(([, value]) => value);
  const codings = fields.filter(([name]) => name === 'transfer-encoding').map(([, value]) => value);
  if (lengths.length + codings.length > 1) throw new Error('framed twice');
  if (kind === 'none') return { text: '', length: 0 };
  if (kind === 'until close') return { text: rest, length: rest.length };
  if (codings.length === 1) {
    if (codings[0]!.toLowerCase() !== 'chunked') throw new Error(`unknown coding ${codings[0]}`);
    return readChunks(rest);
  }
  const length = Number(lengths[0] ?? '0');
  if (lengths.length === 1 && !/^\d{1,16}$/.test(lengths[0]!)) throw new Error(`malformed length ${lengths[0]}`);
  return rest.length < length ? null : { text: rest.slice(0, length), length };
}

function readChunks(rest: string): { text: string; length: number } | null {
  let text = '';
  for (let at = 0; ; ) {
    const end = rest.indexOf('\r\n', at);
    if (end === -1) return null;
    const line = rest.slice(at, end);
    if (!/^[0-9a-fA-F]{1,16}$/.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    at = end + 2;
    if (size === 0) return readTrailers(rest, at, text);
    if (rest.length < at + size + 2) return null;
    text += rest.slice(at, at + size);
    if (rest.slice(at + size, at + size + 2) !== '\r\n') throw new Error('chunk data runs over');
    at += size + 2;
  }
}

function readTrailers(rest: string, start: number, text: string): { text: string; length: number } | null {
  for (let at = start; ; ) {
    const end = rest.indexOf('\r\n', at);
    if (end === -1) return null;
    if (end === at) return { text, length: end + 2 };
    const [name] = readField(rest.slice(at, end));
    if (/^(content-length|transfer-encoding|host|l5d-.*|trailer|connection)$/.test(name))
      throw new Error(`trailer ${name}`);
    at = end + 2;
  }
}
