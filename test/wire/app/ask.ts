import { Agent, type IncomingMessage, request as sendHttp1 } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Answer, type Ask, CONTROL_PORT, EMPTY_MESSAGE, GRPC, type Seen, type Told } from './contract.ts';

const BYTES = 'neither a request nor a preface\n';
const NOTHING: Answer = { status: 0, grpcStatus: -1, headers: {}, seen: null, ms: 0, error: '' };

/** Until the input ends. What is asked at the same time is done at the same time. */
export async function answerAsks(input: Readable, output: Writable): Promise<void> {
  for await (const line of createInterface({ input })) {
    const ask = JSON.parse(line) as Ask;
    void told(ask).then((answer) => output.write(`${JSON.stringify(answer)}\n`));
  }
}

async function told(ask: Ask): Promise<Told> {
  if (ask.kind === 'counts') return { id: ask.id, answers: [], counts: await countsOf(ask.target) };
  const send = { http: overHttp1, http2: overHttp2, grpc: overHttp2, tcp: overTcp }[ask.kind];
  return { id: ask.id, answers: await send(ask), counts: {} };
}

async function countsOf(tag: string): Promise<Record<string, number>> {
  const response = await fetch(`http://127.0.0.1:${CONTROL_PORT}/?tag=${encodeURIComponent(tag)}`);
  return (await response.json()) as Record<string, number>;
}

/** `attempt` settles by `done`; after the time limit with what is missing. */
function limited(ask: Ask, attempt: (done: (part: Partial<Answer>) => void) => void): Promise<Answer> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const finish = (part: Partial<Answer>) => {
      clearTimeout(timer);
      resolve({ ...NOTHING, ...part, ms: performance.now() - startedMs });
    };
    const timer = setTimeout(() => finish({ error: `nothing within ${ask.timeoutMs} ms` }), ask.timeoutMs);
    attempt(finish);
  });
}

/** As often as is asked for; `until` something is answered, or the time is over. */
async function repeated(ask: Ask, one: (first: boolean) => Promise<Answer>): Promise<Answer[]> {
  const endMs = performance.now() + ask.timeoutMs;
  const answers: Answer[] = [await one(true)];
  if (ask.until === undefined) {
    while (answers.length < ask.count) answers.push(await one(false));
    return answers;
  }
  let [last] = answers as [Answer];
  while (last.error === '' && nameOf(last) !== ask.until && performance.now() < endMs) last = await one(false);
  return [last];
}

function nameOf({ seen, status, grpcStatus }: Answer): string {
  return seen?.name ?? String(grpcStatus >= 0 ? grpcStatus : status);
}

async function overHttp1(ask: Ask): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers = await repeated(ask, (first) =>
    limited(ask, (done) => oneOfHttp1(ask, agent, ask.until !== undefined && !first, done)),
  );
  agent.destroy();
  return answers;
}

function oneOfHttp1(ask: Ask, agent: Agent, sameConnection: boolean, done: (part: Partial<Answer>) => void): void {
  const hasHost = ask.headers.some(([name]) => name.toLowerCase() === 'host');
  const host: [string, string][] = hasHost ? [] : [['host', `${ask.ip}:${ask.port}`]];
  const request = sendHttp1({
    agent,
    host: ask.ip,
    port: ask.port,
    method: ask.method,
    path: ask.target,
    setHost: false,
    headers: [...host, ...ask.headers].flat(),
  });
  let head: Partial<Answer> = {};
  // Comes for a connection that is reset under the response, too.
  request.on('error', (error) => done({ ...head, error: error.message }));
  request.on('response', (response: IncomingMessage) => {
    if (sameConnection && !request.reusedSocket) done({ error: 'the connection was closed meanwhile' });
    let body = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    head = { status: response.statusCode ?? 0, headers: joined(response.rawHeaders) };
    response.on('error', (error) => done({ ...head, error: error.message }));
    response.on('end', () => done({ ...head, seen: seenOf(body) }));
  });
  request.end();
}

function joined(raw: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    headers[name] = headers[name] === undefined ? raw[i + 1]! : `${headers[name]},${raw[i + 1]}`;
  }
  return headers;
}

function seenOf(body: string): Seen | null {
  try {
    return JSON.parse(body) as Seen;
  } catch {
    return null; // an answer of a proxy
  }
}

async function overHttp2(ask: Ask): Promise<Answer[]> {
  const session = connectHttp2(`http://${ask.ip}:${ask.port}`);
  let failure = '';
  session.on('error', (error: Error) => {
    failure = error.message;
  });
  const answers = await repeated(ask, async () => {
    const answer = await limited(ask, (done) => oneOfHttp2(ask, session, done));
    return answer.error === '' ? answer : { ...answer, error: failure || answer.error };
  });
  session.destroy();
  return answers;
}

function oneOfHttp2(ask: Ask, session: ClientHttp2Session, done: (part: Partial<Answer>) => void): void {
  if (session.destroyed || session.closed) {
    done({ error: 'the connection is closed' });
    return;
  }
  const given: Record<string, string[]> = {};
  for (const [name, value] of ask.headers) given[name.toLowerCase()] = [...(given[name.toLowerCase()] ?? []), value];
  const isGrpc = ask.kind === 'grpc';
  const own = isGrpc
    ? { ':method': 'POST', ':path': ask.target, 'content-type': GRPC, te: 'trailers' }
    : { ':method': ask.method, ':path': ask.target };
  // The proxy sees the end of a request of HTTP in its head.
  const stream: ClientHttp2Stream = session.request({ ...own, ...given }, { endStream: !isGrpc });
  let headers: Record<string, string> = {};
  let status = 0;
  const chunks: Buffer[] = [];
  stream.on('error', (error: Error) => done({ status, headers, error: error.message }));
  stream.on('response', (received, _flags, raw: string[]) => {
    status = received[':status'] ?? 0;
    headers = joined(raw);
  });
  stream.on('trailers', (_received, _flags, raw: string[]) => {
    headers = { ...headers, ...joined(raw) };
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const brokenOff = () => done({ status, headers, error: `the stream ended with code ${stream.rstCode}` });
  // A stream that is reset ends too, and where its code is CANCEL without an error.
  stream.on('close', brokenOff);
  stream.on('end', () => {
    if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return brokenOff();
    const seen = seenOf(Buffer.concat(chunks).toString('utf8', isGrpc ? EMPTY_MESSAGE.length : 0));
    done({ status, headers, seen, grpcStatus: Number(headers['grpc-status'] ?? -1) });
  });
  if (isGrpc) stream.end(EMPTY_MESSAGE);
}

async function overTcp(ask: Ask): Promise<Answer[]> {
  return [
    await limited(ask, (done) => {
      const socket = connect(ask.port, ask.ip, () => socket.write(BYTES));
      let received = '';
      socket.on('data', (chunk) => {
        received += String(chunk);
        if (received !== BYTES || ask.until === 'closed') return;
        socket.destroy();
        done({ status: 1 });
      });
      const ended = (error: string) => done({ status: received === BYTES ? 1 : 0, error });
      socket.on('error', (error) => ended(error.message));
      socket.on('close', () => ended('closed'));
    }),
  ];
}
