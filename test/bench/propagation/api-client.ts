import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';

const TIMEOUT_MS = 30_000;

export interface Answer {
  status: number;
  text: string;
  /** `performance.now()` when the request was handed to the connection. */
  sentMs: number;
}

/** Requests to the API server over connections that stay open. */
export class ApiClient {
  readonly #server: TestApiServer;
  readonly #agent: Agent;

  constructor(server: TestApiServer, connections: number) {
    this.#server = server;
    const { caPem, adminCertificatePem, adminKeyPem } = server;
    const credentials = { ca: caPem, cert: adminCertificatePem, key: adminKeyPem };
    this.#agent = new Agent({ ...credentials, keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  }

  /** @throws on an answer other than 2xx */
  async send(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<Answer> {
    const answer = await this.#exchange(method, path, body, contentType);
    if (answer.status < 300) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`);
  }

  async json<T>(method: string, path: string, body?: unknown): Promise<T> {
    return JSON.parse((await this.send(method, path, body)).text) as T;
  }

  /** All of them, some at a time; what is there already stays. */
  async createAll(path: string, objects: readonly object[]): Promise<void> {
    await Promise.all(
      objects.map(async (object) => {
        const { status, text } = await this.#exchange('POST', path, object, 'application/json');
        if (status >= 300 && status !== 409) throw new Error(`POST ${path}: ${status} ${text.slice(0, 500)}`);
      }),
    );
  }

  /** Calls `line` with every event of a watch as it arrives. Returns how to end it. */
  watch(path: string, line: (text: string) => void): () => void {
    const { port } = this.#server;
    const request = httpsRequest({ host: '127.0.0.1', port, path, agent: this.#agent }, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('error', () => {});
      response.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        for (const text of lines) line(text);
      });
    });
    request.on('error', () => {});
    request.end();
    return () => request.destroy();
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange(method: string, path: string, body: unknown, contentType: string): Promise<Answer> {
    const bytes = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      accept: 'application/json',
      'content-type': contentType,
      'content-length': Buffer.byteLength(bytes),
    };
    return new Promise((resolve, reject) => {
      let sentMs = 0;
      const options = { host: '127.0.0.1', port: this.#server.port, method, path, headers, agent: this.#agent };
      const request: ClientRequest = httpsRequest({ ...options, timeout: TIMEOUT_MS }, (response: IncomingMessage) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, sentMs }));
      });
      request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer within ${TIMEOUT_MS} ms`)));
      request.on('error', reject);
      sentMs = performance.now();
      request.end(bytes);
    });
  }
}
