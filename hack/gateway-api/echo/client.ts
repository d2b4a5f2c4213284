import { Agent, request as httpRequest } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { ClientOptions } from './arguments.ts';
import { CONTENT_TYPE, ECHO_PATH, framed, textOf } from './grpc.ts';
import { headersOf, type Received, receivedText } from './report.ts';

const MESSAGE = 'HelloWorld';

/**
 * Sends the requests one after the other over one connection, and tells of each. Redirects are not followed.
 * @throws where one of them gets no response, or a call another status than OK: the suite tries again then
 */
export async function sendAll(options: ClientOptions, print: (text: string) => void): Promise<void> {
  const sender = options.url.protocol === 'grpc:' ? new GrpcSender(options) : new HttpSender(options);
  try {
    for (let index = 0; index < options.count; index++) print(`${receivedText(index, await sender.send())}\n`);
  } finally {
    sender.close();
  }
}

class HttpSender {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  send(): Promise<Received> {
    const { url, path, method, headers, timeoutMs } = this.#options;
    const host = headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? url.host;
    const own = headers.filter(([name]) => name.toLowerCase() !== 'host');
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({
        agent: this.#agent,
        host: unbracketed(url.hostname),
        port: url.port === '' ? 80 : Number(url.port),
        path,
        method,
        headers: [['Host', host], ...own].flat(),
        signal: AbortSignal.timeout(timeoutMs),
      });
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            url: url.href,
            status: response.statusCode ?? 0,
            headers: headersOf(response.rawHeaders),
            body: Buffer.concat(chunks).toString(),
          }),
        );
      });
      outgoing.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

class GrpcSender {
  readonly #options: ClientOptions;
  readonly #session: ClientHttp2Session;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#session = connect(`http://${options.url.host}`);
  }

  send(): Promise<Received> {
    const { url, headers, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      this.#session.once('error', reject);
      const stream = this.#session.request(
        {
          ':method': 'POST',
          ':path': ECHO_PATH,
          ':authority': url.host,
          'content-type': CONTENT_TYPE,
          te: 'trailers',
          ...Object.fromEntries(headers.filter(([name]) => name.toLowerCase() !== 'host')),
        },
        { signal: AbortSignal.timeout(timeoutMs) },
      );
      const chunks: Buffer[] = [];
      let raw: string[] = [];
      let status: unknown;
      let grpcStatus: unknown;
      stream.once('error', reject);
      stream.once('response', (head, _flags, rawHeaders: string[]) => {
        status = head[':status'];
        grpcStatus = head['grpc-status'];
        raw = rawHeaders;
      });
      stream.once('trailers', (trailers) => {
        grpcStatus ??= trailers['grpc-status'];
      });
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        this.#session.removeListener('error', reject);
        const body = textOf(Buffer.concat(chunks));
        if (status === 200 && String(grpcStatus) === '0' && body !== null) {
          resolve({ url: url.href, status: null, headers: headersOf(raw), body });
        } else reject(new Error(`status ${String(status)}, grpc-status ${String(grpcStatus)}`));
      });
      stream.end(framed(MESSAGE));
    });
  }

  close(): void {
    this.#session.close();
  }
}

/** An address of IPv6 is in brackets in a URL, and without them where a host is asked for. */
function unbracketed(host: string): string {
  return host.startsWith('[') ? host.slice(1, -1) : host;
}
